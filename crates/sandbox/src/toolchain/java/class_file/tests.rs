use proptest::prelude::*;

use super::*;

/// Classes that the real javac made; their source is in `testdata/Main.java`.
macro_rules! real {
    ($name:literal) => {
        include_bytes!(concat!("testdata/", $name, ".class")).as_slice()
    };
}

fn real_classes() -> Vec<&'static [u8]> {
    vec![
        real!("Main"),
        real!("Inner"),
        real!("Shape"),
        real!("R"),
        real!("E"),
        real!("OneString"),
        real!("Beyond"),
        real!("module-info"),
        real!("25/Instance"),
        real!("25/Uncreatable"),
    ]
}

#[test]
fn from_java_25_on_main_may_be_an_instance_method_without_a_parameter() {
    for (class, name, is_main, almost) in [
        (real!("25/Instance"), "Instance", true, None),
        (real!("25/Static"), "Mains25$Static", true, None),
        (real!("25/Protected"), "Mains25$Protected", true, None),
        (real!("25/Private"), "Mains25$Private", false, Some("it is private")),
        (real!("25/Takes"), "Mains25$Takes", false, Some("it takes something else than String[] or nothing")),
    ] {
        let class = parse(class).expect("a class");
        assert_eq!((class.name.as_str(), class.main, class.almost_main), (name, is_main, almost));
    }
    for class in [real!("25/Uncreatable"), real!("25/Abstract"), real!("25/Inner")] {
        let class = parse(class).expect("a class");
        assert!(!class.main && class.almost_main.is_some_and(|why| why.contains("no object can be made")), "{class:?}");
    }
    // The same method in a class of Java 24 is none: its launcher would not take it.
    let mut older = real!("25/Instance").to_vec();
    older[7] = 68;
    assert!(!parse(&older).expect("a class").main);
}

#[test]
fn real_classes_are_read_as_their_source_says() {
    let main = parse(real!("Main")).expect("a class");
    assert_eq!(main.name, "a.été.Main");
    assert_eq!(main.extends.as_deref(), Some("java.util.ArrayList"));
    assert_eq!(main.source.as_deref(), Some("Main.java"));
    assert!(main.main, "one of its four methods called main is the one");
    for (class, name, is_main, almost) in [
        (real!("Inner"), "a.été.Main$Inner", true, None),
        (real!("Shape"), "a.été.Main$Shape", true, None),
        (real!("R"), "a.été.Main$R", false, Some("it is not public")),
        (real!("E"), "a.été.Main$E", false, Some("it returns something instead of void")),
        (real!("OneString"), "a.été.Main$OneString", false, Some("its parameter is not String[]")),
        (real!("Beyond"), "a.été.Main$𝒳", false, Some("it is not static")),
    ] {
        let class = parse(class).expect("a class");
        assert_eq!((class.name.as_str(), class.main, class.almost_main), (name, is_main, almost));
    }
}

#[test]
fn what_is_no_class_is_none() {
    for bytes in
        [b"".as_slice(), b"\xca\xfe\xba\xbe", b"PK\x03\x04 a jar under a class file's name", real!("module-info")]
    {
        assert_eq!(parse(bytes), None);
    }
}

#[test]
fn a_class_that_is_cut_anywhere_is_none() {
    let whole = real!("Main");
    for length in 0..whole.len() {
        assert_eq!(parse(&whole[..length]), None, "{length} of {} bytes", whole.len());
    }
}

#[test]
fn javas_own_utf_8_is_read_and_anything_else_survived() {
    assert_eq!(modified_utf8(b"Main"), "Main");
    assert_eq!(modified_utf8("été".as_bytes()), "été");
    assert_eq!(modified_utf8(b"a\xed\xa0\xb5\xed\xb2\xb3"), "a\u{1d4b3}");
    assert_eq!(modified_utf8(b"a\xc0\x80"), "a\0");
    assert_eq!(modified_utf8(b"\xff\xedx\xe0\x80"), "\u{fffd}\u{fffd}x\u{fffd}\u{fffd}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        parse(&bytes);
        parse(&[b"\xca\xfe\xba\xbe\0\0\0\x41".as_slice(), &bytes].concat());
        modified_utf8(&bytes);
    }

    #[test]
    fn nor_does_a_real_class_with_bytes_changed(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let classes = real_classes();
        let mut bytes = classes[which.index(classes.len())].to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        parse(&bytes);
    }
}
