//! The command line.

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

pub const USAGE: &str = "\
loadgen --address HOST:PORT --bodies FILE [options]
  --heads FILE          one header a line; each request carries a random one of them
  --connections N       kept alive (64)
  --rate R              open loop: requests a second, latency from the intended time
  --poisson             open loop: exponential gaps instead of equal ones
  --think-ms LOW-HIGH   closed loop: pause after an answer (0-0)
  --retry-after         closed loop: wait as long as a refusal asks
  --duration S          stop sending then (10)
  --requests N          stop sending after so many, if that is earlier
  --warmup S            not in the latencies and measured counts (0)
  --timeout S           give a request up (30)
  --grace S             wait for answers after the end (10)
  --ids FILE            write the accepted ids, 16 bytes each
  --seed N              order of heads and gaps (1)";

/// What a run is told.
#[derive(Clone, Debug)]
pub struct Options {
    pub address: SocketAddr,
    pub bodies: PathBuf,
    pub heads: Option<PathBuf>,
    pub connections: usize,
    /// Requests a second; None is the closed loop.
    pub rate: Option<f64>,
    pub poisson: bool,
    pub think_ms: RangeInclusive<u64>,
    pub retry_after: bool,
    pub duration: Duration,
    pub requests: u64,
    pub warmup: Duration,
    pub timeout: Duration,
    pub grace: Duration,
    pub ids: Option<PathBuf>,
    pub seed: u64,
}

impl Options {
    pub fn from_arguments() -> Result<Self, lexopt::Error> {
        Self::parse(Parser::from_env())
    }

    fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut given = Self::defaults();
        let (mut has_address, mut has_bodies) = (false, false);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("address") => {
                    given.address = address(&parser.value()?)?;
                    has_address = true;
                }
                Arg::Long("bodies") => {
                    given.bodies = parser.value()?.into();
                    has_bodies = true;
                }
                Arg::Long("heads") => given.heads = Some(parser.value()?.into()),
                Arg::Long("connections") => given.connections = parser.value()?.parse()?,
                Arg::Long("rate") => given.rate = Some(parser.value()?.parse()?),
                Arg::Long("poisson") => given.poisson = true,
                Arg::Long("think-ms") => given.think_ms = range(&parser.value()?)?,
                Arg::Long("retry-after") => given.retry_after = true,
                Arg::Long("duration") => given.duration = seconds(&parser.value()?)?,
                Arg::Long("requests") => given.requests = parser.value()?.parse()?,
                Arg::Long("warmup") => given.warmup = seconds(&parser.value()?)?,
                Arg::Long("timeout") => given.timeout = seconds(&parser.value()?)?,
                Arg::Long("grace") => given.grace = seconds(&parser.value()?)?,
                Arg::Long("ids") => given.ids = Some(parser.value()?.into()),
                Arg::Long("seed") => given.seed = parser.value()?.parse()?,
                other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
            }
        }
        if !has_address || !has_bodies || given.connections == 0 {
            return Err(USAGE.into());
        }
        Ok(given)
    }

    fn defaults() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            bodies: PathBuf::new(),
            heads: None,
            connections: 64,
            rate: None,
            poisson: false,
            think_ms: 0..=0,
            retry_after: false,
            duration: Duration::from_secs(10),
            requests: u64::MAX,
            warmup: Duration::ZERO,
            timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            ids: None,
            seed: 1,
        }
    }
}

fn address(text: &OsString) -> Result<SocketAddr, lexopt::Error> {
    let found = text.to_string_lossy().to_socket_addrs();
    let first = found.map_err(|error| error.to_string())?.next();
    first.ok_or_else(|| format!("no address for {}", text.display()).into())
}

fn seconds(text: &OsString) -> Result<Duration, lexopt::Error> {
    let number: f64 = text.parse()?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string().into())
}

fn range(text: &OsString) -> Result<RangeInclusive<u64>, lexopt::Error> {
    let text = text.to_string_lossy();
    let (low, high) = text.split_once('-').unwrap_or((&text, &text));
    let parse = |number: &str| number.parse::<u64>().map_err(|error| error.to_string());
    Ok(parse(low)?..=parse(high)?)
}

#[cfg(test)]
mod tests {
    use super::Options;
    use lexopt::Parser;

    fn parsed(line: &str) -> Result<Options, lexopt::Error> {
        Options::parse(Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn reads_a_rate_and_a_range() -> Result<(), lexopt::Error> {
        let options = parsed("--address 127.0.0.1:80 --bodies x --rate 500 --think-ms 100-500")?;
        assert_eq!(options.rate, Some(500.0));
        assert_eq!(options.think_ms, 100..=500);
        Ok(())
    }

    #[test]
    fn wants_an_address_and_knows_all_names() {
        assert!(parsed("--bodies x").is_err());
        assert!(parsed("--address 127.0.0.1:80 --bodies x --speed 9").is_err());
    }
}
