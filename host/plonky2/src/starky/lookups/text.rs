//! Reads starky's lookups. Fields and evaluators of its `Column`, `Filter` and `CrossTableLookup` are private to it,
//! so their derived `Debug` text is read, once per proof, and trusted only if the same value, made again with starky's
//! own constructors, prints the same text.

use std::fmt::Debug;

use plonky2::field::types::{Field, Field64};
use starky::{
    cross_table_lookup::{CrossTableLookup, TableWithColumns},
    lookup::{Column, Filter},
};

use super::columns::{Linear, Selector, Table, TableLookup};
use crate::{
    error::{ProveError, Result},
    field::F,
};

/// A value of starky's that is known by its text.
pub(super) trait Readable: Sized {
    /// The type it is in starky.
    type Upstream: Debug;

    fn parse(text: &mut Text<'_>) -> Option<Self>;

    /// As starky's own, by its constructors; `None` if they would not take it.
    fn upstream(&self) -> Option<Self::Upstream>;

    fn read(value: &Self::Upstream) -> Result<Self> {
        let text = format!("{value:?}");
        let read = || {
            let mut rest = Text(&text);
            let value = Self::parse(&mut rest)?;
            let same = rest.0.is_empty() && format!("{:?}", value.upstream()?) == text;
            same.then_some(value)
        };
        read().ok_or(ProveError::UnknownLookup { text: text.clone() })
    }
}

/// What is left of a `Debug` text.
pub(super) struct Text<'a>(&'a str);

impl Text<'_> {
    fn word(&mut self, word: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let number = self.0[..end].parse().ok()?;
        self.0 = &self.0[end..];
        Some(number)
    }

    fn index(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn element(&mut self) -> Option<F> {
        let number = self.number()?;
        (number < F::ORDER).then(|| F::from_canonical_u64(number))
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.word("[")?;
        while self.word("]").is_none() {
            if !items.is_empty() {
                self.word(", ")?;
            }
            items.push(item(self)?);
        }
        Some(items)
    }

    fn pair<A, B>(&mut self, a: fn(&mut Self) -> Option<A>, b: fn(&mut Self) -> Option<B>) -> Option<(A, B)> {
        self.word("(")?;
        let a = a(self)?;
        self.word(", ")?;
        let b = b(self)?;
        self.word(")")?;
        Some((a, b))
    }
}

impl Readable for Linear {
    type Upstream = Column<F>;

    fn parse(text: &mut Text<'_>) -> Option<Self> {
        text.word("Column { linear_combination: ")?;
        let local = text.list(|text| text.pair(Text::index, Text::element))?;
        text.word(", next_row_linear_combination: ")?;
        let next = text.list(|text| text.pair(Text::index, Text::element))?;
        text.word(", constant: ")?;
        let constant = text.element()?;
        text.word(" }")?;
        Some(Linear { local, next, constant })
    }

    fn upstream(&self) -> Option<Column<F>> {
        let Linear { local, next, constant } = self;
        Some(if local.is_empty() && next.is_empty() {
            Column::constant(*constant)
        } else {
            Column::linear_combination_and_next_row_with_constant(local.clone(), next.clone(), *constant)
        })
    }
}

impl Readable for Selector {
    type Upstream = Filter<F>;

    fn parse(text: &mut Text<'_>) -> Option<Self> {
        text.word("Filter { products: ")?;
        let products = text.list(|text| text.pair(Linear::parse, Linear::parse))?;
        text.word(", constants: ")?;
        let terms = text.list(Linear::parse)?;
        text.word(" }")?;
        Some(Selector { products, terms })
    }

    fn upstream(&self) -> Option<Filter<F>> {
        let products =
            self.products.iter().map(|(a, b)| Some((a.upstream()?, b.upstream()?))).collect::<Option<_>>()?;
        Some(Filter::new(products, self.terms.iter().map(Linear::upstream).collect::<Option<_>>()?))
    }
}

impl Readable for Table {
    type Upstream = TableWithColumns<F>;

    fn parse(text: &mut Text<'_>) -> Option<Self> {
        text.word("TableWithColumns { table: ")?;
        let table = text.index()?;
        text.word(", columns: ")?;
        let columns = text.list(Linear::parse)?;
        text.word(", filter: ")?;
        let filter = Selector::parse(text)?;
        text.word(" }")?;
        Some(Table { table, columns, filter })
    }

    fn upstream(&self) -> Option<TableWithColumns<F>> {
        let columns = self.columns.iter().map(Linear::upstream).collect::<Option<_>>()?;
        Some(TableWithColumns::new(self.table, columns, self.filter.upstream()?))
    }
}

impl Readable for TableLookup {
    type Upstream = CrossTableLookup<F>;

    fn parse(text: &mut Text<'_>) -> Option<Self> {
        text.word("CrossTableLookup { looking_tables: ")?;
        let looking = text.list(Table::parse)?;
        text.word(", looked_table: ")?;
        let looked = Table::parse(text)?;
        text.word(" }")?;
        Some(TableLookup { looking, looked })
    }

    fn upstream(&self) -> Option<CrossTableLookup<F>> {
        // The constructor asserts it.
        if self.looking.iter().any(|table| table.columns.len() != self.looked.columns.len()) {
            return None;
        }
        let looking = self.looking.iter().map(Table::upstream).collect::<Option<_>>()?;
        Some(CrossTableLookup::new(looking, self.looked.upstream()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of every kind, in every place.
    #[test]
    fn every_lookup_is_read_back() {
        let column = |seed: u64| {
            let pairs = |n: u64| (0..n).map(move |i| ((seed + i) as usize, F::from_canonical_u64(F::ORDER - 1 - i)));
            let (local, next) = (pairs(seed % 3).collect::<Vec<_>>(), pairs(seed / 3 % 3).collect::<Vec<_>>());
            match (local.len(), next.len()) {
                (0, 0) => Column::constant(F::from_canonical_u64(seed)),
                _ => {
                    Column::linear_combination_and_next_row_with_constant(local, next, F::from_noncanonical_u64(!seed))
                }
            }
        };
        for seed in 0..9 {
            let filter = Filter::new(
                (0..seed % 4).map(|i| (column(i), column(i + seed))).collect(),
                (0..seed % 3).map(column).collect(),
            );
            let table = |t: u64| TableWithColumns::new(t as usize, (t..t + seed).map(column).collect(), filter.clone());
            let lookup = CrossTableLookup::new((0..seed % 5).map(table).collect(), table(7));
            let read = TableLookup::read(&lookup).expect("read");
            assert_eq!(read.looking.len() as u64, seed % 5);
            assert_eq!(format!("{:?}", read.upstream().expect("made")), format!("{lookup:?}"));
        }
    }

    #[test]
    fn other_texts_are_not_read() {
        let good = format!("{:?}", Column::<F>::single(3));
        assert!(Linear::parse(&mut Text(&good)).is_some());
        for bad in [
            good.replace("Column", "Row"),
            good.replace("constant: 0", "constant: 0x0"),
            good.replace("constant: 0", &format!("constant: {}", F::ORDER)),
            good.replace("[(3, 1)]", "[(3, 1),]"),
            good.replace("[(3, 1)]", "[(3, 1)(4, 1)]"),
            good.replace("(3, 1)", "(99999999999999999999, 1)"),
            good[..good.len() - 2].to_owned(),
        ] {
            assert!(Linear::parse(&mut Text(&bad)).is_none(), "{bad}");
        }
    }
}
