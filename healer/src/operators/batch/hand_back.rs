//! Gives the rows that come back from a batch stage their receipts, row by row.

use super::batch_mut::{Parts, Slots};
use crate::{
    chain::List,
    context::Context,
    envelope::{Outcome, Receipt, Shares},
    error::Cause,
};

/// The receipts by slot. A batch whose receipt is one share (it cannot be taken apart by row) is shared anew among them.
pub(super) fn receipts_of(count: usize, receipts: Vec<Receipt>) -> Vec<Receipt> {
    if receipts.len() == count {
        return receipts;
    }
    let whole = Receipt::many(receipts).into_shares();
    let rows = (0..count).map(|_| whole.share()).collect();
    whole.end(None);
    rows
}

/// Rows with their receipt, or the cause of a failure with the receipts that it concerns.
pub(super) type Handed<U> = Result<(Receipt, List<U>), (Cause, Vec<Receipt>)>;

/// Gives each row that came back its receipt, settles the skipped rows, and finds out whether rows are missing.
pub(super) fn hand_back<U>(parts: Parts<U>, receipts: Vec<Receipt>) -> Handed<U> {
    let Parts { rows, skipped, call } = parts;
    if let Some(fault) = call.fault() {
        return Err((Cause::Stage(fault.into()), receipts));
    }
    let mut uses = vec![0_u32; receipts.len()];
    let slots = rows.iter().map(|row| &row.slots).chain(skipped.iter().map(|(slots, _)| slots));
    slots.flat_map(Slots::as_slice).for_each(|slot| uses[*slot as usize] += 1);
    if !call.has_all(uses.iter().map(|uses| *uses as usize).sum()) {
        return Err((Cause::Lost, receipts));
    }
    // A slot that several rows came from is shared among them.
    let mut owed: Vec<Owed> = receipts
        .into_iter()
        .zip(&uses)
        .map(
            |(receipt, uses)| {
                if *uses == 1 { Owed::One(Some(receipt)) } else { Owed::Shared(receipt.into_shares()) }
            },
        )
        .collect();
    let mut receipt_of = |slots: &[u32]| {
        let mut list: Vec<Receipt> = slots.iter().map(|slot| owed[*slot as usize].take()).collect();
        if list.len() == 1 { list.swap_remove(0) } else { Receipt::many(list) }
    };
    for (slots, reason) in &skipped {
        receipt_of(slots.as_slice()).settle(Outcome::Skipped(*reason));
    }
    let mut list: List<U> = Vec::with_capacity(rows.len());
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        kept.push(receipt_of(row.slots.as_slice()));
        let context = match &row.slots {
            Slots::One(slot) => call.contexts[*slot as usize].keep(true),
            // It has no record's key, also where there was one row only: how many there are is chance.
            Slots::Many(slots) => {
                let all = slots.iter().map(|slot| &call.contexts[*slot as usize]);
                Context::of_all(all).unwrap_or_else(|| call.contexts[0].of_many(0))
            }
        };
        list.push((context, row.value));
    }
    for owed in owed {
        if let Owed::Shared(shares) = owed {
            shares.end(None);
        }
    }
    Ok((Receipt::many(kept), list))
}

enum Owed {
    One(Option<Receipt>),
    Shared(Shares),
}

impl Owed {
    fn take(&mut self) -> Receipt {
        match self {
            Self::One(receipt) => receipt.take().unwrap_or_else(|| Receipt::many(Vec::new())),
            Self::Shared(shares) => shares.share(),
        }
    }
}
