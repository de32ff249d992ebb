//! The messages for faulty stages.

use proc_macro2::TokenStream;
use quote::quote;

use super::{super::expand, of_trait, written};

/// The messages of `compile_error!`, first lines only.
#[allow(clippy::needless_pass_by_value, reason = "tokens are written where they are given")]
fn faults(attribute: TokenStream, item: TokenStream) -> Vec<String> {
    let text = expand(&attribute, item).to_string();
    let after = text.split("compile_error ! { \"").skip(1);
    after.map(|rest| rest.split("\\n").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_fault_is_said_once_and_all_together() {
    let item = quote!(
        unsafe fn f(a: &mut T, b: U, #[state] s: S) -> impl Display {}
    );
    let faults = faults(quote!(), item);
    assert_eq!(faults.len(), 5, "{faults:#?}");
}

#[test]
fn a_fault_in_the_settings_is_not_followed_by_others() {
    let faults = faults(
        quote!(flatt),
        quote!(
            fn f(v: T) -> impl Iterator<Item = U> {}
        ),
    );
    assert_eq!(faults, ["`#[stage]` has no key `flatt`"]);
}

#[test]
fn the_users_item_is_given_back_beside_the_fault() {
    let text = expand(
        &quote!(),
        quote!(
            struct Flight {
                number: String,
            }
        ),
    )
    .to_string();
    assert!(
        text.starts_with(
            &quote!(
                struct Flight {
                    number: String,
                }
            )
            .to_string()
        ),
        "{text}"
    );
    let text = expand(
        &quote!(),
        quote!(
            fn f(&self, #[state] s: &S) -> u8 {
                body()
            }
        ),
    )
    .to_string();
    assert!(
        text.starts_with(
            &quote!(
                fn f(&self, s: &S) -> u8 {
                    body()
                }
            )
            .to_string()
        ),
        "{text}"
    );
    assert!(!text.contains("struct f"), "{text}");
}

#[test]
fn a_broken_stage_still_is_a_node() {
    let file = written(
        quote!(),
        quote!(
            fn f<T: Clone>(v: &mut T) -> Result<Vec<T>, E> {}
        ),
    );
    assert!(
        of_trait(&file, "Accepts")
            .contains("impl<T: Clone, __In> ::healer::__private::Accepts<__In> for f<T>")
    );
    assert!(of_trait(&file, "Stage").contains("type Out = Vec<T>;"));
}
