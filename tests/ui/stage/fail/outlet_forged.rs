use healer::__private::Outlet;

fn main() {
    let _outlet = Outlet::<String>::new();
}
