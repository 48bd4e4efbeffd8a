//! Descriptions that others wrote: are they read, and read right?
use pollrtc::wire::sdp::Description;
#[test]
fn quick() {
    for dir in ["samples", "interop"] {
        let mut files: Vec<_> = std::fs::read_dir(format!("tests/vectors/sdp/{dir}"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        for f in files {
            let text = std::fs::read_to_string(&f).unwrap();
            match Description::parse(&text) {
                Ok(d) => {
                    let w = d.to_string();
                    let e = Description::parse(&w).unwrap();
                    assert_eq!(d, e, "{f:?}");
                    assert_eq!(w, e.to_string());
                }
                Err(e) => println!(
                    "{} {e} | {}",
                    f.display(),
                    text.lines().nth(e.line - 1).unwrap_or("")
                ),
            }
        }
    }
}
