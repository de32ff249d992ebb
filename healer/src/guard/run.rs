//! The guard's round: it looks and waits, and at its end it stops the pipelines that still run.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep, timeout};

use super::{
    GuardEnd, Watched,
    decide::{Look, decide},
};
use crate::{
    config::GuardSettings,
    error::{Error, said::chain},
};

/// A pipeline, held only while it runs: holding it keeps its store open.
enum Post {
    Running(Arc<dyn Watched>),
    Ended { name: String, error: Option<Error> },
}

/// The number of a post, and how its pipeline ended.
type Told = (usize, Result<(), Error>);

/// The guard at work.
pub(super) struct Round {
    settings: GuardSettings,
    posts: Vec<Post>,
    /// The ends that are waited for.
    ends: FuturesUnordered<BoxFuture<'static, Told>>,
}

impl Post {
    fn look(&self) -> Look {
        match self {
            Self::Running(pipeline) => Look::running(pipeline.name(), pipeline.health()),
            Self::Ended { name, error } => Look::ended(name, error.clone()),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Running(pipeline) => pipeline.name(),
            Self::Ended { name, .. } => name,
        }
    }
}

impl Round {
    pub(super) fn new(settings: GuardSettings, watched: Vec<Arc<dyn Watched>>) -> Self {
        let ends = FuturesUnordered::new();
        for (number, pipeline) in watched.iter().enumerate() {
            ends.push(told(number, Arc::clone(pipeline)));
        }
        Self { settings, posts: watched.into_iter().map(Post::Running).collect(), ends }
    }

    /// Looks every interval, and as soon as a pipeline ends.
    pub(super) async fn until_end(&mut self) -> GuardEnd {
        let began = Instant::now();
        loop {
            let end = decide(&self.settings, &self.looks(), began.elapsed());
            if let Some(end) = end {
                return end;
            }
            let told = tokio::select! {
                told = self.ends.next(), if !self.ends.is_empty() => told,
                () = sleep(self.settings.interval) => None,
            };
            if let Some((number, result)) = told {
                // With `on_error` the guard ends with this error, so it is not logged here.
                let is_logged = !self.settings.on_error;
                self.close(number, result, is_logged);
            }
        }
    }

    fn looks(&self) -> Vec<Look> {
        self.posts.iter().map(Post::look).collect()
    }

    /// Asks all pipelines to stop, and waits for their ends, at most for this long.
    pub(super) async fn drain(&mut self, budget: Duration) {
        for post in &self.posts {
            if let Post::Running(pipeline) = post {
                pipeline.stop();
            }
        }
        let all = async {
            while let Some((number, result)) = self.ends.next().await {
                self.close(number, result, true);
            }
        };
        if timeout(budget, all).await.is_ok() {
            return;
        }
        for post in &self.posts {
            if let Post::Running(pipeline) = post {
                let (pipeline, budget) = (pipeline.name(), humantime::format_duration(budget));
                tracing::warn!(pipeline, "a pipeline has not stopped within {budget}: it is not waited for");
            }
        }
    }

    /// Lets go of a pipeline that has ended.
    fn close(&mut self, number: usize, result: Result<(), Error>, is_logged: bool) {
        let post = &mut self.posts[number];
        if let Err(error) = &result
            && is_logged
        {
            let (pipeline, error) = (post.name(), chain(error));
            tracing::error!(pipeline, "an error ended a pipeline: {error}");
        }
        *post = Post::Ended { name: post.name().to_owned(), error: result.err() };
    }
}

fn told(number: usize, pipeline: Arc<dyn Watched>) -> BoxFuture<'static, Told> {
    Box::pin(async move { (number, pipeline.ended().await) })
}
