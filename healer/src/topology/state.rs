//! The state that stages ask for with `#[state]`, found by type.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    sync::Arc,
};

use super::Requirement;

/// The state that was given with `App::with`.
#[derive(Default)]
pub(crate) struct States {
    by_type: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    /// Types that were given twice.
    repeated: Vec<&'static str>,
}

impl States {
    pub(crate) fn insert<S: ?Sized + Send + Sync + 'static>(&mut self, state: Arc<S>) {
        if self.by_type.insert(TypeId::of::<S>(), Box::new(state)).is_some() {
            self.repeated.push(type_name::<S>());
        }
    }

    pub(crate) fn repeated(&self) -> &[&'static str] {
        &self.repeated
    }

    pub(crate) fn has(&self, requirement: &Requirement) -> bool {
        self.by_type.contains_key(&requirement.id)
    }

    fn get<S: ?Sized + Send + Sync + 'static>(&self) -> Arc<S> {
        let found = self.by_type.get(&TypeId::of::<S>()).and_then(|any| any.downcast_ref::<Arc<S>>());
        // `App::build` has refused a pipeline that lacks state.
        Arc::clone(found.expect("checked by `build`"))
    }
}

/// The state of one stage: a tuple of `Arc`s. Written by `#[stage]`.
pub trait Need: Send + Sync + 'static {
    /// The state that the stage needs.
    fn requirements() -> Vec<Requirement>;
    #[doc(hidden)]
    fn resolve(states: &Found<'_>) -> Self;
}

/// The state that a pipeline was given; only healer makes one.
pub struct Found<'a>(pub(crate) &'a States);

fn requirement<S: ?Sized + 'static>() -> Requirement {
    // A pointer to a type without a known size has a second part.
    let is_sized = size_of::<&S>() == size_of::<usize>();
    Requirement { id: TypeId::of::<S>(), name: type_name::<S>(), is_sized }
}

macro_rules! need {
    ($($state:ident),*) => {
        impl<$($state: ?Sized + Send + Sync + 'static),*> Need for ($(Arc<$state>,)*) {
            fn requirements() -> Vec<Requirement> {
                vec![$(requirement::<$state>()),*]
            }
            #[allow(unused_variables, clippy::unused_unit)]
            fn resolve(states: &Found<'_>) -> Self {
                ($(states.0.get::<$state>(),)*)
            }
        }
    };
}

need!();
need!(A);
need!(A, B);
need!(A, B, C);
need!(A, B, C, D);
need!(A, B, C, D, E);
need!(A, B, C, D, E, F);
need!(A, B, C, D, E, F, G);
need!(A, B, C, D, E, F, G, H);
