//! A run in which all happens that may become of an order. Several tests look at it, so it runs once.

use std::sync::OnceLock;
use std::time::Duration;

use healer::reports::FailureReport;
use healer_tests::kafka::RealKafka;

use super::child::{Running, done};
use super::http::Page;
use super::lines::Line;
use super::orders::Kind;
use super::shop::{Shop, record};

pub const PARTITIONS: i32 = 4;
/// How many orders each partition has.
pub const EACH: i64 = 20;

/// The one order at which a stage panics.
pub const PANICS: (i32, i64) = (2, 9);

/// A text that is in the data of each order, and must be nowhere else.
pub const SECRET: &str = "secret-";

pub struct Whole {
    pub shop: Shop,
    /// The metrics that were exported when all was done.
    pub page: Page,
    /// And a second later.
    pub later: Page,
    pub lines: Vec<Line>,
    pub reports: Vec<FailureReport>,
    pub code: Option<i32>,
}

pub fn kind(partition: i32, offset: i64) -> Kind {
    match offset {
        3 => Kind::Blank,
        5 => Kind::Twice,
        7 => Kind::Bad,
        _ if (partition, offset) == PANICS => Kind::Panics,
        _ => Kind::Good,
    }
}

/// How many orders are of this kind.
pub fn count(wanted: Kind) -> i64 {
    let is_wanted = |place: &(i32, i64)| kind(place.0, place.1) == wanted;
    let all = (0..PARTITIONS).flat_map(|partition| (0..EACH).map(move |offset| (partition, offset)));
    i64::try_from(all.filter(is_wanted).count()).unwrap()
}

pub fn note(partition: i32, offset: i64) -> String {
    format!("{SECRET}{partition}-{offset}")
}

impl Whole {
    /// `None`, and a word about it, without a real Kafka.
    pub fn seen() -> Option<&'static Self> {
        static SEEN: OnceLock<Option<Whole>> = OnceLock::new();
        RealKafka::for_test()?;
        SEEN.get_or_init(Self::run).as_ref()
    }

    fn run() -> Option<Self> {
        let shop = Shop::open(PARTITIONS.unsigned_abs().try_into().unwrap())?;
        let order = |partition, offset| record(partition, kind(partition, offset), &note(partition, offset));
        let all = (0..PARTITIONS).flat_map(|at| (0..EACH).map(move |offset| order(at, offset)));
        shop.kafka.produce(&shop.orders, all).unwrap();

        let mut program = Running::guarded(&shop, &[("LOGLEVEL", "INFO,healer=DEBUG")]);
        let page = program.until_page("all is done and committed", |page| {
            let reports = page.count("healer_failure_reports_total", &[("pipeline", "orders")]);
            // The ends are looked up now and then.
            let ends = page.count("healer_partition_end_offset", &[("topic", &shop.orders)]);
            let lag = page.count("healer_partition_lag_records", &[("topic", &shop.orders)]);
            let total = i64::from(PARTITIONS) * EACH;
            done(page) == total && reports == count(Kind::Bad) + 1 && (ends, lag) == (total, 0)
        });
        let later = program.let_poll_for(Duration::from_secs(1));
        let ended = program.stop();
        let read = |json: Vec<u8>| FailureReport::from_json(&json).unwrap();
        let reports = ended.reports().into_iter().map(read).collect();
        let code = ended.status.code();
        Some(Self { shop, page, later, lines: ended.lines, reports, code })
    }
}
