use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{
    Block, Expr, Item, Stmt,
    visit_mut::{self, VisitMut},
};

/// Compares chains as `prettyplease` prints them, so that a difference is one of tokens. The looks at types are left out.
fn same(input: TokenStream, output: TokenStream) {
    let print = |value: TokenStream| {
        let mut function: syn::ItemFn = syn::parse2(quote!(fn app() -> App { #value })).unwrap();
        WithoutLooks.visit_block_mut(&mut function.block);
        Nodes.visit_item_fn_mut(&mut function);
        prettyplease::unparse(&syn::parse2(quote!(#function)).unwrap())
    };
    pretty_assert(&print(crate::pipeline::expand(input)), &print(output));
}

struct WithoutLooks;

impl VisitMut for WithoutLooks {
    fn visit_expr_mut(&mut self, value: &mut Expr) {
        visit_mut::visit_expr_mut(self, value);
        if let Expr::MethodCall(call) = value
            && (call.method == "flows" || call.method == "taken_by")
        {
            *value = (*call.receiver).clone();
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        if let [Stmt::Expr(Expr::Block(inner), None)] = &block.stmts[..] {
            *block = inner.block.clone();
        }
        let text = |statement: &Stmt| statement.to_token_stream().to_string();
        block.stmts.retain(|statement| {
            ["__healer_look", "typed :: flow ()", "typed :: taker ()"]
                .iter()
                .all(|of_looks| !text(statement).contains(of_looks))
        });
        if let [.., Stmt::Local(app), Stmt::Expr(_, None)] = &block.stmts[..]
            && app.pat.to_token_stream().to_string() == "app"
            && let Some(init) = &app.init
        {
            let app = Stmt::Expr((*init.expr).clone(), None);
            block.stmts.truncate(block.stmts.len() - 2);
            block.stmts.push(app);
        }
        visit_mut::visit_block_mut(self, block);
    }
}

/// Writes `path::stage()` for the block that imports the path beside a name of ours.
struct Nodes;

impl VisitMut for Nodes {
    fn visit_expr_mut(&mut self, value: &mut Expr) {
        visit_mut::visit_expr_mut(self, value);
        if let Expr::Block(outer) = value
            && let [Stmt::Item(_), .., Stmt::Expr(Expr::Block(inner), None)] = &outer.block.stmts[..]
            && let [Stmt::Item(Item::Use(import)), Stmt::Expr(call, None)] = &inner.block.stmts[..]
        {
            let import = import.tree.to_token_stream().to_string();
            let path = import.strip_suffix(" as __node").expect("a node is imported as `__node`");
            let call = call.to_token_stream().to_string().replacen("__node", path, 1);
            *value = syn::parse_str(&call).unwrap();
        }
    }
}

/// Where the types of values are noted that count as done further down.
#[test]
fn what_counts_as_done_is_looked_at_where_it_was_given() {
    let text = crate::pipeline::expand(quote! {
        name "x";
        a = kafka::text("a") => awaits_later => map(f) => filter(g);
        b = kafka::text("b") => to_b;
        a => kafka::to_text("c") => heal;
        a => (may_be_a_sink) => handles => heal;
        both = union(a, b);
        both => batch(3) => save => heal;
    });
    let text = text.to_string();
    let noted = text.matches(". flows").count();
    for flow in ["flow_0_2", "flow_3_1", "flow_4_0", "flow_5_2"] {
        assert_eq!(text.matches(flow).count(), 3, "{flow} in {text}");
    }
    assert_eq!((noted, text.matches(". taken_by").count()), (4, 1), "{text}");
}

fn pretty_assert(left: &str, right: &str) {
    assert!(left == right, "{left}\nis not\n{right}");
}

#[test]
fn the_first_example() {
    same(
        quote! {
            name "flights";
            flights = kafka::json::<Flight>("flights") => validate => enrich;
            flights => late_only => kafka::to_json("late-flights") => heal;
            flights => batch(500, within = "1s") => save => heal;
        },
        quote! {
            ::healer::App::new("flights").chain(
                kafka::json::<Flight>("flights")
                    .stream("flights")
                    .then(validate::stage())
                    .then(enrich::stage())
                    .fan_out_at(::healer::__private::Here, |way| way.then(late_only::stage()).then(kafka::to_json("late-flights")).heal())
                    .and(|way| way.batch(500).within("1s").then(save::stage()).heal())
            )
        },
    );
}

#[test]
fn a_name_used_once_is_the_chain_going_on() {
    same(
        quote! { name "x"; a = source(); b = a => late; b => heal; },
        quote! { ::healer::App::new("x").chain(source().stream("a").then(late::stage()).heal()) },
    );
}

#[test]
fn every_kind_of_node() {
    same(
        quote! {
            name title;
            kafka::bytes(["a", "b"]).tombstones() as "in" checkpoint
                => stages::validate
                => pass::<u32> as "p" checkpoint
                => pass<Vec<u8>>
                => checkpoint as "c"
                => map(|v| v)
                => filter(|v| v > 1, reason = "r")
                => kafka::to_json("x").key(k) as format!("y")
                => (sink())
                => { sink }
                => heal;
        },
        quote! {
            ::healer::App::new(title).chain(
                kafka::bytes(["a", "b"]).tombstones().stream("in").checkpoint_at(::healer::__private::Here)
                    .then(stages::validate::stage())
                    .then(pass::<u32>::stage()).named("p").checkpoint_at(::healer::__private::Here)
                    .then(pass::<Vec<u8>>::stage())
                    .checkpoint_at(::healer::__private::Here).named("c")
                    .map(|v| v)
                    .filter(|v| v > 1).reason("r")
                    .then(kafka::to_json("x").key(k)).named(format!("y"))
                    .then(sink())
                    .then(sink)
                    .heal()
            )
        },
    );
}

#[test]
fn a_union_has_its_port_before_all_chains() {
    same(
        quote! {
            crate other;
            name "x";
            a = source();
            b = source() => late;
            both = union(a, b) => late;
            both => heal;
            a => heal;
        },
        quote! {{
            let (port_2, joined_2) = other::union("both");
            other::App::new("x")
                .chain(source().stream("a").fan_out_at(other::__private::Here, |way| way.to(&port_2)).and(|way| way.heal()))
                .chain(source().stream("b").then(late::stage()).to(&port_2))
                .chain(joined_2.then(late::stage()).heal())
        }},
    );
}

#[test]
fn a_diamond_parts_and_meets() {
    same(
        quote! {
            name "x";
            a = source();
            b = a => late;
            c = a => early;
            union(b, c) => heal;
        },
        quote! {{
            let (port_3, joined_3) = ::healer::union("union");
            ::healer::App::new("x")
                .chain(
                    source().stream("a")
                        .fan_out_at(::healer::__private::Here, |way| way.then(late::stage()).to(&port_3))
                        .and(|way| way.then(early::stage()).to(&port_3))
                )
                .chain(joined_3.heal())
        }},
    );
}

#[test]
fn branches_of_branches() {
    same(
        quote! {
            name "x";
            a = source();
            b = a => late;
            b => one => heal;
            b => two => heal;
            a => heal;
            source() => heal;
        },
        quote! {
            ::healer::App::new("x")
                .chain(
                    source().stream("a")
                        .fan_out_at(::healer::__private::Here, |way| way.then(late::stage())
                            .fan_out_at(::healer::__private::Here, |way| way.then(one::stage()).heal())
                            .and(|way| way.then(two::stage()).heal()))
                        .and(|way| way.heal())
                )
                .chain(source().unnamed().heal())
        },
    );
}

#[test]
fn what_can_jump_runs_first() {
    same(
        quote! {
            name title()?;
            a = source(b"x");
            a => kafka::to_json(topic().await) => heal;
            a => map(|v| v?) => batch(read!(n?), within = wait()) as { if x { return y } else { z } } => heal;
        },
        quote! {{
            let value_0 = title()?;
            let value_1 = kafka::to_json(topic().await);
            let value_2 = read!(n?);
            let value_3 = { if x { return y } else { z } };
            ::healer::App::new(value_0).chain(
                source(b"x").stream("a")
                    .fan_out_at(::healer::__private::Here, |way| way.then(value_1).heal())
                    .and(|way| way.map(|v| v?).batch(value_2).within(wait()).named(value_3).heal())
            )
        }},
    );
}
