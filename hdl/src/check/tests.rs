//! Each trap, as somebody would write it.

use rust_hdl_core::prelude::*;

use super::{check, Rule};

macro_rules! trap {
    ($name:ident { $($field:ident : $type:ty),* } $rule:expr, $($update:tt)*) => {
        #[test]
        fn $name() {
            #[derive(LogicBlock, Default)]
            struct Trap { $(pub $field: $type,)* }
            impl Logic for Trap {
                // With its attribute: `self` belongs to one expansion.
                $($update)*
            }
            let mut trap = Trap::default();
            trap.connect_all();
            let found = check("trap", &trap);
            let rule: Option<Rule> = $rule;
            match rule {
                Some(rule) => assert!(found.iter().any(|v| v.rule == rule && v.block == "trap"), "{found:?}"),
                None => assert!(found.is_empty(), "{found:?}"),
            }
        }
    };
}

type B<const N: usize> = Bits<N>;

trap!(cast_of_a_sum { a: Signal<In, B<32>>, b: Signal<In, B<32>>, y: Signal<Out, B<64>> } Some(Rule::Cast), #[hdl_gen] fn update(&mut self) {
    self.y.next = bit_cast::<64, 32>(self.a.val() + self.b.val());
});
trap!(cast_of_a_complement { a: Signal<In, B<32>>, y: Signal<Out, B<64>> } Some(Rule::Cast), #[hdl_gen] fn update(&mut self) {
    self.y.next = bit_cast::<64, 32>(!self.a.val());
});
trap!(cast_of_a_difference { a: Signal<In, B<32>>, b: Signal<In, B<32>>, y: Signal<Out, B<33>> } Some(Rule::Cast), #[hdl_gen] fn update(&mut self) {
    self.y.next = bit_cast::<33, 32>(self.a.val() - self.b.val());
});
trap!(narrowing_cast_of_a_difference { a: Signal<In, B<32>>, b: Signal<In, B<32>>, y: Signal<Out, B<8>> } Some(Rule::Cast), #[hdl_gen] fn update(&mut self) {
    self.y.next = bit_cast::<8, 32>(self.a.val() - self.b.val());
});
trap!(precedence { a: Signal<In, B<8>>, b: Signal<In, B<8>>, c: Signal<In, B<8>>, y: Signal<Out, Bit> } Some(Rule::Precedence), #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val() & self.b.val() == self.c.val();
});
trap!(shifted_cast_compared { a: Signal<In, B<32>>, b: Signal<In, B<8>>, y: Signal<Out, Bit> } Some(Rule::Width), #[hdl_gen] fn update(&mut self) {
    self.y.next = (bit_cast::<8, 32>(self.a.val()) << bits::<8>(1)) == self.b.val();
});
trap!(sum_with_a_literal_compared { a: Signal<In, B<8>>, b: Signal<In, B<8>>, y: Signal<Out, Bit> } Some(Rule::Width), #[hdl_gen] fn update(&mut self) {
    self.y.next = (self.a.val() + 1) == self.b.val();
});
trap!(sum_shifted_right { a: Signal<In, B<8>>, y: Signal<Out, B<8>> } Some(Rule::Width), #[hdl_gen] fn update(&mut self) {
    self.y.next = (self.a.val() + 1) >> 1;
});
trap!(signed_product { a: Signal<In, Signed<16>>, y: Signal<Out, Signed<32>> } Some(Rule::Signed), #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val() * self.a.val();
});
trap!(signed_cast_of_bits { a: Signal<In, B<16>>, y: Signal<Out, Signed<16>> } Some(Rule::Signed), #[hdl_gen] fn update(&mut self) {
    self.y.next = signed_cast(self.a.val());
});
trap!(product { a: Signal<In, B<16>>, y: Signal<Out, B<32>> } Some(Rule::Signed), #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val() * self.a.val();
});
trap!(latch { a: Signal<In, Bit>, y: Signal<Out, Bit> } Some(Rule::Latch), #[hdl_gen] fn update(&mut self) {
    if self.a.val() {
        self.y.next = true;
    }
});
trap!(keyword { table: Signal<In, Bit>, y: Signal<Out, Bit> } Some(Rule::Keyword), #[hdl_gen] fn update(&mut self) {
    self.y.next = self.table.val();
});
trap!(replaced_bit { a: Signal<In, B<40>>, y: Signal<Out, B<40>> } Some(Rule::ReplaceBit), #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val().replace_bit(35, true);
});
trap!(sound { a: Signal<In, B<32>>, b: Signal<In, B<8>>, c: Signal<Local, B<8>>, y: Signal<Out, Bit>, z: Signal<Out, B<8>> } None, #[hdl_gen] fn update(&mut self) {
    self.c.next = bit_cast::<8, 32>(self.a.val());
    self.z.next = self.b.val();
    self.y.next = (self.c.val() == self.b.val()) & !self.a.val().get_bit(3) & self.b.val().any();
    if self.a.val().get_bit(0) {
        self.z.next = self.c.val() + self.b.val() + 1;
    }
});

#[derive(LogicBlock, Default)]
struct Generic<const W: usize> {
    a: Signal<In, Bits<16>>,
    y: Signal<Out, Bit>,
}
impl<const W: usize> Logic for Generic<W> {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val().get_bit(W);
    }
}

#[test]
fn const_generic_as_an_index() {
    let mut block = Generic::<3>::default();
    block.connect_all();
    let found = check("generic", &block);
    assert!(found.iter().any(|v| v.rule == Rule::UnknownName && v.message.contains('W')), "{found:?}");
}

#[derive(LogicStruct, Copy, Clone, Default, PartialEq, Debug)]
struct Pair {
    low: Bits<8>,
    high: Bits<8>,
}
trap!(bit_of_a_field { a: Signal<In, Pair>, y: Signal<Out, Bit> } Some(Rule::Select), #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val().low.get_bit(2);
});

#[derive(LogicBlock, Default)]
struct Inverter {
    a: Signal<In, Bit>,
    y: Signal<Out, Bit>,
}
impl Logic for Inverter {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = !self.a.val();
    }
}

#[derive(LogicBlock, Default)]
struct Square {
    a: Signal<In, Bit>,
    units: [[Inverter; 2]; 2],
    y: Signal<Out, Bit>,
}
impl Logic for Square {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..2 {
            for j in 0..2 {
                self.units[i][j].a.next = self.a.val();
            }
        }
        self.y.next = self.units[0][1].y.val();
    }
}

#[test]
fn index_in_an_index() {
    let mut block = Square::default();
    block.connect_all();
    let found = check("square", &block);
    assert!(found.iter().any(|v| v.rule == Rule::NestedIndex), "{found:?}");
}

#[derive(LogicBlock, Default)]
struct Row {
    a: Signal<In, Bit>,
    units: [Inverter; 2],
    y: Signal<Out, Bit>,
}
impl Logic for Row {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..2 {
            self.units[i].a.next = self.a.val();
        }
        self.y.next = self.units[0].y.val() & self.units[1].y.val();
    }
}

#[test]
fn one_index_is_sound() {
    let mut block = Row::default();
    block.connect_all();
    let found = check("row", &block);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_trap_in_a_child_is_found() {
    #[derive(LogicBlock, Default)]
    struct Parent {
        a: Signal<In, Bits<16>>,
        y: Signal<Out, Bit>,
        child: Generic<2>,
    }
    impl Logic for Parent {
        #[hdl_gen]
        fn update(&mut self) {
            self.child.a.next = self.a.val();
            self.y.next = self.child.y.val();
        }
    }
    let mut block = Parent::default();
    block.connect_all();
    let found = check("parent", &block);
    assert!(found.iter().any(|v| v.block == "parent.child"), "{found:?}");
}
