//! Stages under `#[checkpoint]`: their last output is kept in the store.

use std::{marker::PhantomData, sync::Arc};

use super::{Kind, Stage};
use crate::{
    chain::Consumer,
    error::BoxError,
    operators::checkpoint::CheckpointNode,
    topology::{Node, NodeKind},
};

/// A stage with `#[checkpoint]`.
pub trait CheckpointedStage: Stage {
    /// Appends an output as JSON.
    ///
    /// # Errors
    /// A value that has no JSON form.
    fn encode(value: &Self::Out, into: &mut Vec<u8>) -> Result<(), BoxError>;
}

/// Runs as `K` and keeps its last output.
pub struct Checkpointed<K>(PhantomData<K>);

impl<S: CheckpointedStage, K: Kind<S>> Kind<S> for Checkpointed<K> {
    type Node<D: Consumer<S::Out>> = K::Node<CheckpointNode<S::Out, D>>;
    const STORES: bool = true;

    fn kind() -> NodeKind {
        K::kind()
    }

    fn fault() -> Option<String> {
        K::fault()
    }

    fn node<D: Consumer<S::Out>>(node: Arc<Node>, next: D) -> Self::Node<D> {
        let keep = CheckpointNode::new(Arc::clone(&node), S::encode, next);
        K::node(node, keep)
    }
}
