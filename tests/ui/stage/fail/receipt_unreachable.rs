use healer::envelope::Receipt;

fn main() {
    let _: Option<Receipt> = None;
}
