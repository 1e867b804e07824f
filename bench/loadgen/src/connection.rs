//! One kept-alive connection: at most one request in flight, never blocking but to connect.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::answer::{self, Answer};

const READ_BYTES: usize = 16 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The request that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    pub prepared: usize,
    pub head: usize,
    /// When it should have been sent; latencies count from here.
    pub intended: Instant,
    /// When its first byte was sent.
    pub sent: Instant,
    written: usize,
}

/// What became of a connection that was looked at.
#[derive(Debug)]
pub enum Progress {
    Waiting,
    Answered(InFlight, Answer),
    /// It ended with a request in flight: its outcome is unknown.
    Lost,
    /// It ended between two requests.
    Closed,
}

#[derive(Default)]
pub struct Connection {
    stream: Option<TcpStream>,
    in_flight: Option<InFlight>,
    received: Vec<u8>,
}

impl Connection {
    /// Connect unless it is connected; true when it is a new socket.
    pub fn open(&mut self, address: SocketAddr) -> io::Result<bool> {
        if self.stream.is_some() {
            return Ok(false);
        }
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        self.received.clear();
        self.stream = Some(stream);
        Ok(true)
    }

    pub fn stream(&self) -> Option<&TcpStream> {
        self.stream.as_ref()
    }

    pub fn in_flight(&self) -> Option<&InFlight> {
        self.in_flight.as_ref()
    }

    /// Note the next request; `write` sends it.
    pub fn begin(&mut self, prepared: usize, head: usize, intended: Instant, now: Instant) {
        self.in_flight = Some(InFlight {
            prepared,
            head,
            intended,
            sent: now,
            written: 0,
        });
    }

    /// Send what the socket takes; true when all is sent. On an error the connection is over.
    pub fn write(&mut self, head: &[u8], body: &[u8]) -> io::Result<bool> {
        let (Some(stream), Some(request)) = (&mut self.stream, &mut self.in_flight) else {
            return Ok(true);
        };
        let whole = head.len() + body.len();
        while request.written < whole {
            let head_rest = head.get(request.written..).unwrap_or_default();
            let body_rest = &body[request.written.saturating_sub(head.len())..];
            match stream.write_vectored(&[IoSlice::new(head_rest), IoSlice::new(body_rest)]) {
                Ok(count) => request.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Read what is there.
    pub fn read(&mut self, scratch: &mut [u8; READ_BYTES]) -> Progress {
        let Some(stream) = &mut self.stream else {
            return Progress::Waiting;
        };
        loop {
            match stream.read(scratch) {
                Ok(0) => return self.end(),
                Ok(count) => {
                    self.received.extend_from_slice(&scratch[..count]);
                    if count < READ_BYTES {
                        return self.answered();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.answered(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.end(),
            }
        }
    }

    /// Close it; what was in flight is lost.
    pub fn end(&mut self) -> Progress {
        self.stream = None;
        self.in_flight
            .take()
            .map_or(Progress::Closed, |_| Progress::Lost)
    }

    fn answered(&mut self) -> Progress {
        match answer::take(&mut self.received) {
            Ok(None) => Progress::Waiting,
            Ok(Some(answer)) => {
                let Some(request) = self.in_flight.take() else {
                    return self.end(); // an answer to nothing: 408 before the close
                };
                if answer.closes {
                    self.stream = None;
                }
                Progress::Answered(request, answer)
            }
            Err(answer::Malformed) => self.end(),
        }
    }
}

/// Where `Connection::read` reads to; one for all.
pub fn scratch() -> Box<[u8; READ_BYTES]> {
    Box::new([0; READ_BYTES])
}
