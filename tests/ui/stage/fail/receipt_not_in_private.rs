use healer::__private::Receipt;

fn main() {
    let _: Option<Receipt> = None;
}
