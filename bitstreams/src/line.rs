//! Where in a file a key stands.

use toml::{
    de::{DeTable, DeValue},
    Spanned,
};

/// Line, from 1, of the value at `field`: keys and places in arrays (from 0), joined by dots. Of a key that is not there,
/// the line of the table that should have it.
pub fn of(text: &str, field: &str) -> usize {
    let line_at = |offset: usize| text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1;
    let Ok(root) = DeTable::parse(text) else { return 1 };
    let mut keys = field.split('.');
    let mut line = 1;
    let mut value: Option<&Spanned<DeValue>> = None;
    let mut table = Some(root.get_ref());
    for key in &mut keys {
        let next = match (table, value.map(Spanned::get_ref)) {
            (Some(table), _) => table.iter().find(|(k, _)| k.get_ref() == key).map(|(k, v)| (k.span().start, v)),
            (None, Some(DeValue::Array(array))) => {
                key.parse().ok().and_then(|i: usize| array.get(i)).map(|v| (v.span().start, v))
            }
            _ => None,
        };
        let Some((start, found)) = next else { return line };
        line = line_at(start);
        table = found.get_ref().as_table();
        value = Some(found);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::of;

    const TEXT: &str = "bytes = 1\n\n[a]\nbyte = 1\nbytes = [\n  2,\n  3,\n]\n[flash]\n# bytes\nbytes = 4\nslots = [\n  \
                        { kind = \"golden\" },\n  { kind = \"user\" },\n]\n[[ties]]\npin = \"A1\"\n[[ties]]\npin = \"A2\"\n";

    #[test]
    fn nested_keys_have_lines_of_their_own() {
        for (field, line) in [
            ("bytes", 1),
            ("a.byte", 4),
            ("a.bytes", 5),
            ("a.bytes.1", 7),
            ("flash.bytes", 11),
            ("flash.slots.1.kind", 14),
            ("flash.slots.1", 14),
            ("ties.1.pin", 19),
            ("flash.none", 9),
            ("none", 1),
        ] {
            assert_eq!(of(TEXT, field), line, "{field}");
        }
    }
}
