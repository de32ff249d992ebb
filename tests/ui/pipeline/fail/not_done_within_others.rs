//! What is held by others is looked into, and more types than are looked at are refused.

use std::{
    cell::{LazyCell, OnceCell},
    mem::ManuallyDrop,
    pin::Pin,
    sync::{Arc, PoisonError, Weak},
    task::{Context as Task, Poll},
};

use healer::prelude::*;

struct Mine;

impl Future for Mine {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

type Failed = Result<u8, String>;
type Four<T> = (T, T, T, T);
type Many = Four<Four<Four<Option<u8>>>>;

fn of<T: Send + 'static>(_: String) -> T {
    unreachable!()
}

fn main() {
    let _ = pipeline! { name "nine"; kafka::text("orders") => map(of::<(u8, u8, u8, u8, u8, u8, u8, u8, Mine)>) => heal; };
    let _ = pipeline! { name "twelve"; kafka::text("orders") => map(of::<(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, Failed)>) => heal; };
    let _ = pipeline! { name "deep"; kafka::text("orders") => map(of::<(Four<u8>, Four<u8>, Four<u8>, Option<Mine>)>) => heal; };
    let _ = pipeline! { name "once"; kafka::text("orders") => map(of::<OnceCell<Mine>>) => heal; };
    let _ = pipeline! { name "kept"; kafka::text("orders") => map(of::<ManuallyDrop<Mine>>) => heal; };
    let _ = pipeline! { name "weak"; kafka::text("orders") => map(of::<Weak<std::sync::Mutex<Mine>>>) => heal; };
    let _ = pipeline! { name "poison"; kafka::text("orders") => map(of::<PoisonError<Failed>>) => heal; };
    let _ = pipeline! { name "boxed"; kafka::text("orders") => map(of::<Box<dyn FnOnce() + Send>>) => heal; };
    let _ = pipeline! { name "shared"; kafka::text("orders") => map(of::<Arc<dyn Fn() -> u8 + Send + Sync>>) => heal; };
    let _ = pipeline! { name "lazy"; kafka::text("orders") => map(of::<LazyCell<u8>>) => heal; };
    let _ = pipeline! { name "lock"; kafka::text("orders") => map(of::<Arc<tokio::sync::Mutex<Failed>>>) => heal; };
    let _ = pipeline! { name "readers"; kafka::text("orders") => map(of::<Arc<tokio::sync::RwLock<Mine>>>) => heal; };
    let _ = pipeline! { name "cell"; kafka::text("orders") => map(of::<tokio::sync::OnceCell<Failed>>) => heal; };
    let _ = pipeline! { name "set"; kafka::text("orders") => map(of::<tokio::sync::SetOnce<Failed>>) => heal; };
    let _ = pipeline! { name "watched"; kafka::text("orders") => map(of::<tokio::sync::watch::Receiver<Failed>>) => heal; };
    let _ = pipeline! { name "sender"; kafka::text("orders") => map(of::<tokio::sync::watch::Sender<Failed>>) => heal; };
    let _ = pipeline! { name "futures"; kafka::text("orders") => map(of::<Arc<futures_util::lock::Mutex<Failed>>>) => heal; };
    let _ = pipeline! { name "many"; kafka::text("orders") => map(of::<Many>) => heal; };
}
