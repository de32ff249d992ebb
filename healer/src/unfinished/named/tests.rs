use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    marker::PhantomData,
    ops::{ControlFlow, Range, RangeInclusive},
    pin::Pin,
    sync::{Arc, LazyLock, Mutex},
    task::Poll,
};

use super::*;
use crate::Plain;

type Failed = Result<u8, String>;

#[allow(clippy::unused_async, reason = "its type is what this is about")]
async fn save(_: u8) {}

fn of<T>(_: T) -> Option<Unfinished> {
    is::<T>()
}

fn is<T: ?Sized>() -> Option<Unfinished> {
    unfinished(&without_chars(type_name::<T>()))
}

#[test]
fn what_may_have_failed_is_known_wherever_it_is_held() {
    let all = [
        is::<Failed>(),
        is::<Vec<Failed>>(),
        is::<(u8, Failed)>(),
        is::<[[Failed; 3]; 2]>(),
        is::<Box<Failed>>(),
        is::<Box<[Failed]>>(),
        is::<Option<Arc<Mutex<Failed>>>>(),
        is::<&'static mut Failed>(),
        is::<&'static [Failed]>(),
        is::<Cow<'static, [Failed]>>(),
        is::<HashMap<String, (fn(u8) -> u8, Failed)>>(),
        is::<BTreeMap<String, Vec<Failed>>>(),
        is::<ControlFlow<u8>>(),
        is::<Poll<u8>>(),
        is::<std::sync::Weak<Failed>>(),
        is::<std::sync::PoisonError<Failed>>(),
        is::<std::mem::ManuallyDrop<Failed>>(),
        is::<std::cell::OnceCell<Failed>>(),
        is::<Arc<tokio::sync::Mutex<Failed>>>(),
        is::<tokio::sync::OwnedMutexGuard<Failed>>(),
        is::<tokio::sync::RwLock<Failed>>(),
        is::<tokio::sync::OwnedRwLockReadGuard<Failed>>(),
        is::<tokio::sync::OnceCell<Failed>>(),
        is::<tokio::sync::SetOnce<Failed>>(),
        is::<tokio::sync::watch::Receiver<Failed>>(),
        is::<tokio::sync::watch::Sender<Option<Failed>>>(),
        is::<futures_util::lock::Mutex<Failed>>(),
        is::<futures_util::future::Either<u8, Failed>>(),
        is::<std::cell::UnsafeCell<Failed>>(),
    ];
    assert!(all.iter().all(|found| *found == Some(Unfinished::Judge)), "{all:?}");
}

#[tokio::test]
async fn what_is_still_to_be_run_is_known() {
    let all = [
        of(save(1)),
        of(vec![save(1)]),
        of(Box::pin(save(1))),
        of(Box::pin(save(1)) as Pin<Box<dyn Future<Output = ()> + Send>>),
        of(std::future::ready(Failed::Ok(1))),
        of(std::future::poll_fn(|_| Poll::Ready(1))),
        of(futures_util::future::join_all([save(1)])),
        of(futures_util::stream::iter([1])),
        of(tokio::spawn(save(1))),
        of(tokio::time::sleep(std::time::Duration::ZERO)),
        of(tokio::time::timeout(std::time::Duration::ZERO, save(1))),
        of(tokio::task::JoinSet::<()>::new()),
        of(tokio::sync::oneshot::channel::<u8>().1),
        of(std::thread::spawn(|| ())),
        of(|| save(1)),
        of((|| ()) as fn()),
        is::<extern "C" fn() -> u8>(),
        is::<unsafe fn() -> u8>(),
        is::<unsafe extern "C" fn()>(),
        is::<Vec<extern "C" fn()>>(),
        of(Box::new(|| ()) as Box<dyn FnOnce() + Send>),
        of(Box::new(|_: &u8| ()) as Box<dyn FnOnce(&u8) + Send>),
        of(Box::new(|one: u8, _: &u8| one) as Box<dyn Fn(u8, &u8) -> u8 + Send + Sync>),
        is::<Vec<Arc<dyn FnMut(Vec<u8>) -> Failed + Send>>>(),
        of(std::sync::mpsc::channel::<u8>().1),
        of(tokio::spawn(save(1)).abort_handle()),
        of(futures_util::future::abortable(save(1)).1),
        is::<futures_util::future::Either<std::future::Ready<u8>, u8>>(),
        is::<LazyLock<u8>>(),
    ];
    assert!(all.iter().all(|found| *found == Some(Unfinished::Run)), "{all:?}");
}

#[derive(Debug)]
struct Quoted<const OPEN: char>;

/// Not the brackets of a character that is a parameter.
#[test]
fn a_character_in_a_name_hides_nothing_behind_it() {
    let all = [
        is::<(Quoted<'('>, Failed)>(),
        is::<(Quoted<'<'>, Failed)>(),
        is::<(Quoted<'['>, u8, Failed)>(),
        is::<(Quoted<')'>, Quoted<'>'>, Vec<Failed>)>(),
        is::<(Quoted<'\''>, Quoted<'('>, Failed)>(),
        is::<(Quoted<'\\'>, Quoted<'('>, Failed)>(),
        is::<(Quoted<'"'>, Quoted<','>, Quoted<'\u{7f}'>, Quoted<'é'>, Quoted<'<'>, Failed)>(),
        is::<(for<'a> fn(&'a u8, Quoted<'('>) -> &'a u8, Failed)>(),
    ];
    assert!(all.iter().all(|found| *found == Some(Unfinished::Judge)), "{all:?}");
    let data =
        [is::<(Quoted<'('>, u8)>(), is::<Quoted<'<'>>(), is::<for<'a> fn(&'a Quoted<'\''>) -> &'a u8>()];
    assert!(data.iter().all(Option::is_none), "{data:?}");
}

tokio::task_local! {
    static TENANT: u8;
}

/// Types of tokio and futures that can be owned come from the calls that give them; the rest are named by their paths.
#[tokio::test]
async fn futures_and_streams_of_tokio_and_futures_are_known() {
    use futures_util::{
        FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _, future, stream,
    };
    let lock = Arc::new(futures_util::lock::Mutex::new(1));
    let owned = [
        of(tokio::spawn(save(1))),
        of(tokio::task::spawn_blocking(|| ())),
        of(tokio::task::yield_now()),
        of(tokio::task::unconstrained(save(1))),
        of(tokio::task::coop::cooperative(save(1))),
        of(tokio::task::LocalSet::new()),
        of(TENANT.scope(1, save(1))),
        of(tokio::sync::oneshot::channel::<u8>().1),
        of(Arc::new(tokio::sync::Notify::new()).notified_owned()),
        is::<tokio::sync::futures::Notified<'static>>(),
        of(tokio::time::timeout_at(tokio::time::Instant::now(), save(1))),
        of(future::abortable(save(1)).0),
        of(save(1).unit_error()),
        of(save(1).never_error()),
        of(stream::abortable(stream::iter([1])).0),
        of(future::ready(1)),
        of(future::lazy(|_| 1)),
        of(future::poll_fn(|_| Poll::Ready(1))),
        of(future::maybe_done(save(1))),
        of(future::select(Box::pin(save(1)), Box::pin(save(2)))),
        of(future::try_join(future::ok::<u8, u8>(1), future::ok(2))),
        of(save(1).map(|()| 1)),
        of(save(1).boxed()),
        of(save(1).fuse()),
        of(save(1).shared()),
        of(save(1).catch_unwind()),
        of(save(1).into_stream()),
        of(future::ok::<u8, u8>(1).map_ok(u64::from)),
        of(future::OptionFuture::from(Some(save(1)))),
        of(stream::once(save(1))),
        of(stream::iter([1]).map(|n| n + 1)),
        of(stream::iter([1]).collect::<Vec<_>>()),
        of(stream::iter([save(1)]).buffered(2)),
        of(stream::iter([Failed::Ok(1)]).try_collect::<Vec<_>>()),
        of(stream::iter([1]).into_future()),
        of(std::iter::once(save(1)).collect::<stream::FuturesUnordered<_>>()),
        of(std::iter::once(save(1)).collect::<stream::FuturesOrdered<_>>()),
        of(lock.lock_owned()),
        is::<futures_util::lock::MutexLockFuture<'static, u8>>(),
        of(Arc::new(futures_util::lock::Mutex::new(1)).lock_owned()),
        of(Arc::new(tokio::sync::Mutex::new(save(1)))),
        is::<tokio::sync::mpsc::Receiver<u8>>(),
        is::<tokio::sync::mpsc::UnboundedReceiver<u8>>(),
        is::<tokio::sync::broadcast::Receiver<u8>>(),
        is::<std::process::Child>(),
        is::<std::process::Command>(),
    ];
    assert!(owned.iter().all(|found| *found == Some(Unfinished::Run)), "{owned:?}");
    let by_path = [
        "futures_channel::mpsc::Receiver<u8>",
        "futures_channel::mpsc::UnboundedReceiver<u8>",
        "futures_channel::oneshot::Receiver<u8>",
        "futures_task::future_obj::FutureObj<u8>",
        "futures_util::io::buf_reader::SeeKRelative<u8>",
        "futures_util::io::copy_buf::CopyBuf<u8, u8>",
        "futures_util::io::lines::Lines<u8>",
        "futures_util::io::read_to_end::ReadToEnd<u8>",
        "futures_util::io::write_all::WriteAll<u8>",
        "futures_util::sink::feed::Feed<u8, u8>",
        "futures_util::sink::send_all::SendAll<u8, u8>",
        "tokio::io::seek::Seek<u8>",
        "tokio::io::util::copy::Copy<u8, u8>",
        "tokio::io::util::read_int::ReadU8<u8>",
        "tokio::io::util::write_all::WriteAll<u8>",
    ];
    let all: Vec<_> = by_path.iter().filter(|path| unfinished(path) != Some(Unfinished::Run)).collect();
    assert!(all.is_empty(), "{all:?}");
    let pulled = [
        "futures_executor::local_pool::BlockingStream<u8>",
        "tokio::fs::read_dir::ReadDir",
        "tokio::io::util::lines::Lines<u8>",
        "tokio::io::util::split::Split<u8>",
    ];
    let all: Vec<_> = pulled.iter().filter(|path| unfinished(path) != Some(Unfinished::Pull)).collect();
    assert!(all.is_empty(), "{all:?}");
}

#[test]
fn a_list_that_has_no_item_for_an_err_is_known_through_adaptors() {
    fn told<L: IntoIterator>(_: &L) -> bool {
        list_fault(type_name::<L>()).is_some()
    }
    let failed = || Failed::Ok(1);
    assert!(told(&failed()) && told(&failed().into_iter()));
    assert!(told(&failed().into_iter().map(|n| n + 1)) && told(&std::iter::empty().chain(failed())));
    assert!(told(&failed().iter().copied()));
    assert!(!told(&failed().ok()) && !told(&vec![failed()]) && !told(&Some(1).into_iter().map(|n| n + 1)));
    // The end of a channel says nothing of its sender.
    let channel = || std::sync::mpsc::channel::<u8>().1;
    assert!(told(&channel()) && told(&channel().into_iter().map(|n| n + 1)));
    // Limits: an object does not show its inner type, and `flatten` is the user's word that errors may be left out.
    assert!(!told(&(Box::new(failed().into_iter()) as Box<dyn Iterator<Item = u8>>)));
    assert!(!told(&vec![failed()].into_iter().flatten()));
}

fn job() -> u8 {
    7
}

fn generic_job<T: Default>() -> T {
    T::default()
}

#[allow(non_camel_case_types)]
struct order_id(#[allow(dead_code)] u64);

struct Marker;

fn told_of<T>(_: T) -> Option<String> {
    fault::<T>()
}

#[test]
fn a_function_that_is_passed_on_by_its_name_is_known() {
    for told in [told_of(job), told_of(generic_job::<u8>), told_of(u8::default), told_of(String::new)] {
        assert!(told.as_ref().is_some_and(|told| told.contains("never done")), "{told:?}");
    }
    assert_eq!(
        (told_of(order_id(1)), told_of(Marker), told_of(()), told_of([0_u8; 0])),
        (None, None, None, None)
    );
    // Limits: inside another type the size of the function is not known.
    assert_eq!((told_of(Some(job)), told_of((1, job))), (None, None));
}

#[test]
fn what_nobody_pulled_is_known() {
    let all = [
        of(vec![1].into_iter()),
        of([1].into_iter().map(|n: u8| n)),
        of(Box::new([1_u8].into_iter()) as Box<dyn Iterator<Item = u8> + Send>),
        of(std::iter::once(1)),
        of(Some(1).into_iter()),
        of("a b".split(' ')),
        of(HashMap::<u8, u8>::new().into_keys()),
        of(BTreeMap::<u8, u8>::new().into_iter()),
        is::<std::io::Lines<std::io::Empty>>(),
        of("a b".chars()),
        of("a b".split_whitespace()),
        of('a'.to_uppercase()),
        of(std::env::vars()),
        of(std::env::args_os()),
        is::<std::collections::btree_map::Range<'static, u8, u8>>(),
        is::<std::collections::btree_map::RangeMut<'static, u8, u8>>(),
        is::<std::collections::btree_set::Range<'static, u8>>(),
        is::<std::collections::hash_map::ValuesMut<'static, u8, u8>>(),
        is::<std::result::IterMut<'static, u8>>(),
    ];
    assert!(all.iter().all(|found| *found == Some(Unfinished::Pull)), "{all:?}");
}

#[test]
fn data_is_data() {
    struct Own<T>(PhantomData<T>);
    let all = [
        is::<(u8, String)>(),
        is::<Option<Vec<Option<u8>>>>(),
        is::<Range<u8>>(),
        is::<RangeInclusive<u8>>(),
        is::<Plain<Failed>>(),
        is::<Vec<Plain<Failed>>>(),
        is::<PhantomData<Failed>>(),
        is::<Own<Failed>>(),
        is::<fn(&str) -> Failed>(),
        is::<Box<dyn std::error::Error>>(),
        is::<tokio::time::Instant>(),
        is::<std::thread::ThreadId>(),
        is::<serde_json::Value>(),
        is::<()>(),
        is::<std::mem::Discriminant<Failed>>(),
        is::<std::sync::mpsc::Sender<Failed>>(),
        is::<std::sync::mpsc::SyncSender<Failed>>(),
        is::<extern "C" fn(u8) -> Failed>(),
        is::<tokio::time::error::Elapsed>(),
        is::<tokio::sync::Notify>(),
        is::<tokio::sync::Mutex<u8>>(),
        is::<futures_util::future::Aborted>(),
        is::<futures_util::future::Either<u8, String>>(),
        is::<Vec<futures_util::future::Either<u8, Range<u8>>>>(),
        is::<futures_util::lock::Mutex<Vec<u8>>>(),
    ];
    assert!(all.iter().all(Option::is_none), "{all:?}");
}

#[test]
fn of_a_batch_the_row_is_named() {
    let text = fault::<Batch<Failed>>().unwrap();
    assert_eq!(Some(text), fault::<Failed>());
}
