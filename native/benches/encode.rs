//! Bytes a second through one encoder on one core, body in to tuples, ids and answer out. Each bench asserts its answer.

mod mix;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ingest_native::batch::Encoder;
use ingest_native::limits::Limits;
use ingest_native::request::{Request, Shape};
use ingest_native::scan;
use ingest_native::schema::Schema;

const PROJECT: [u8; 16] = [7; 16];
const SIZES: [usize; 4] = [1, 10, 200, 1000];
/// In the broken batches, as in the reference system's load profile.
const BROKEN_EVERY: usize = 5;

fn encoder() -> Encoder {
    let schema = Schema::builtin().unwrap_or_else(|error| panic!("{error}"));
    Encoder::new(Arc::new(schema), Limits::default(), &[1; 32])
}

fn request(idempotency_key: Option<&str>) -> Request<'_> {
    Request {
        project_id: &PROJECT,
        received_at_us: mix::NOW_US,
        shape: Shape::Native,
        idempotency_key,
        is_strict: false,
        is_minimal: false,
    }
}

fn bench(criterion: &mut Criterion, name: &str, broken_every: usize, key: Option<&str>) {
    let mut group = criterion.benchmark_group(name);
    let mut encoder = encoder();
    for size in SIZES {
        let body = mix::batch(11, size, broken_every);
        let broken = size.checked_div(broken_every).unwrap_or(0);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &body, |bencher, body| {
            bencher.iter(|| {
                let batch = encoder.encode(black_box(body), &request(key));
                assert_eq!(
                    (batch.verdict.status, batch.event_ids.len()),
                    (202, size - broken)
                );
                assert_eq!(batch.rejections.len(), broken);
                batch
            });
        });
    }
    group.finish();
}

fn valid(criterion: &mut Criterion) {
    bench(criterion, "valid", 0, None);
}

fn one_in_five_broken(criterion: &mut Criterion) {
    bench(criterion, "one_in_five_broken", BROKEN_EVERY, None);
}

fn keyed(criterion: &mut Criterion) {
    bench(criterion, "keyed", 0, Some("order-17"));
}

/// The scanner alone: how much of the encoder is reading JSON.
fn scan_only(criterion: &mut Criterion) {
    let (body, limits) = (mix::batch(11, 200, 0), Limits::default());
    let mut group = criterion.benchmark_group("scan_only");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("200", |bencher| {
        bencher.iter(|| {
            assert_eq!(
                scan::validate(black_box(body.as_bytes()), &limits),
                Ok(None)
            );
        });
    });
    group.finish();
}

criterion_group!(benches, valid, one_in_five_broken, keyed, scan_only);
criterion_main!(benches);
