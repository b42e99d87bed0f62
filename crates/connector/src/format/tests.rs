use serde_json::{Value, json};

use super::*;

fn read(format: Format, body: impl AsRef<[u8]>) -> Result<Value, String> {
    let text = document(format, None, body.as_ref()).map_err(|error| error.to_string())?;
    Ok(serde_json::from_str(&text).unwrap())
}

fn feed(body: &str) -> Value {
    read(Format::Feed, body).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn json_is_handed_on_as_it_is_and_not_copied() {
    let body = b"\xEF\xBB\xBF{\"a\": 1}";
    assert!(matches!(document(Format::Json, None, body), Ok(Cow::Borrowed("{\"a\": 1}"))));
    assert_eq!(read(Format::Ndjson, "{\"a\":1}\n{\"a\":2}\n").unwrap(), json!([{"a": 1}, {"a": 2}]));
}

#[test]
fn rss_becomes_the_document() {
    let document = feed(
        r#"<?xml version="1.0"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.example/rss-0.91.dtd">
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:a="http://www.w3.org/2005/Atom">
  <channel>
    <title> News &amp; more </title>
    <a:link rel="self" href="https://a.example/feed"/>
    <link>https://a.example/</link>
    <description>All of it</description>
    <image><title>Logo</title><url>https://a.example/logo.png</url><link>https://other.example/</link></image>
    <lastBuildDate>Mon, 23 Nov 2026 07:45:00 GMT</lastBuildDate>
    <ttl>90</ttl>
    <item>
      <title><![CDATA[One & <b>two</b>]]></title>
      <guid>https://a.example/1</guid>
      <pubDate>Mon, 23 Nov 2026 08:45:00 +0100</pubDate>
      <description>AT&T &eacute; &unknown; &#8364;</description>
      <content:encoded><![CDATA[<p>Whole</p>]]></content:encoded>
      <dc:creator>Ann</dc:creator>
      <category>x</category><category>y</category>
      <enclosure url="https://a.example/1.mp3?a=1&amp;b=2" type="audio/mpeg" length="99"/>
      <source url="https://b.example/"><title>Not this</title></source>
    </item>
    <item><guid isPermaLink="false">http://not-a-link</guid><author>bob@a.example (Bob)</author></item>
  </channel>
</rss>"#,
    );
    assert_eq!(
        document,
        json!({
            "feed": {
                "format": "rss", "id": null, "title": "News & more", "url": "https://a.example/",
                "description": "All of it", "language": null, "author": null, "updated": "2026-11-23T07:45:00Z",
            },
            "ttl_seconds": 5_400,
            "entries": [
                {
                    "id": "https://a.example/1", "title": "One & <b>two</b>", "url": "https://a.example/1",
                    "summary": "AT&T é &unknown; €", "content": "<p>Whole</p>", "author": "Ann",
                    "published": "2026-11-23T07:45:00Z", "updated": null, "image": null, "categories": ["x", "y"],
                    "enclosures": [{"url": "https://a.example/1.mp3?a=1&b=2", "type": "audio/mpeg", "length": 99}],
                },
                {
                    "id": "http://not-a-link", "title": null, "url": null, "summary": null, "content": null,
                    "author": "bob@a.example (Bob)", "published": null, "updated": null, "image": null,
                    "categories": [], "enclosures": [],
                },
            ],
        })
    );
}

#[test]
fn rss_1_has_its_items_beside_the_channel() {
    let document = feed(
        r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
  <channel rdf:about="https://a.example/"><title>T</title><sy:updatePeriod>hourly</sy:updatePeriod>
    <sy:updateFrequency>2</sy:updateFrequency><items><rdf:Seq><rdf:li resource="x"/></rdf:Seq></items></channel>
  <item rdf:about="urn:1"><title>One</title><link>https://a.example/1</link><d:date>2026-11-23</d:date></item>
</rdf:RDF>"#,
    );
    assert_eq!(document["ttl_seconds"], 1_800);
    let entry = &document["entries"][0];
    assert_eq!((&entry["id"], &entry["url"]), (&json!("urn:1"), &json!("https://a.example/1")));
    assert_eq!(entry["published"], "2026-11-23T00:00:00Z");
}

#[test]
fn atom_becomes_the_document() {
    let document = feed(
        r#"<atom:feed xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
  <atom:title type="html">T</atom:title><atom:id>urn:feed</atom:id><atom:author><atom:name>Ann</atom:name></atom:author>
  <atom:link rel="self" href="https://a.example/feed"/><atom:link href="https://a.example/"/>
  <atom:updated>2026-11-23T07:45:00Z</atom:updated>
  <atom:entry>
    <atom:id>urn:1</atom:id><atom:title>One</atom:title>
    <atom:link rel="edit" href="https://a.example/edit"/>
    <atom:link rel="alternate" href="https://a.example/1"/>
    <atom:link rel="enclosure" href="https://a.example/1.mp3" type="audio/mpeg" length="x"/>
    <atom:author><atom:name>Bob</atom:name><atom:uri>https://bob.example</atom:uri></atom:author>
    <atom:published>2026-11-23T07:00:00+01:00</atom:published><atom:updated>2026-11-23T08:00:00Z</atom:updated>
    <atom:category term="x" label="X"/>
    <atom:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">A <b>bold</b> &lt;<br/></div></atom:content>
    <atom:source><atom:id>urn:other</atom:id><atom:title>Other</atom:title></atom:source>
    <media:group><media:title>M</media:title><media:thumbnail url="https://a.example/t.jpg"/>
      <media:content url="https://a.example/v" type="video/mp4" fileSize="18446744073709551616"/>
      <media:description>Described</media:description></media:group>
  </atom:entry>
</atom:feed>"#,
    );
    assert_eq!(document["feed"]["url"], "https://a.example/");
    assert_eq!((&document["feed"]["author"], &document["feed"]["id"]), (&json!("Ann"), &json!("urn:feed")));
    assert_eq!(
        document["entries"],
        json!([{
            "id": "urn:1", "title": "One", "url": "https://a.example/1", "summary": "Described",
            "content": "A <b>bold</b> &lt;<br/>", "author": "Bob", "published": "2026-11-23T06:00:00Z",
            "updated": "2026-11-23T08:00:00Z", "image": "https://a.example/t.jpg", "categories": ["x"],
            "enclosures": [
                {"url": "https://a.example/1.mp3", "type": "audio/mpeg", "length": null},
                {"url": "https://a.example/v", "type": "video/mp4", "length": u64::MAX},
            ],
        }])
    );
}

#[test]
fn json_feed_becomes_the_document() {
    let document = feed(
        r#" {"version": "https://jsonfeed.org/version/1.1", "title": "T", "home_page_url": "https://a.example/",
  "feed_url": "https://a.example/feed.json", "authors": [{"name": "Ann"}], "expired": {"x": [1]}, "items": [
    {"id": 18446744073709551617, "external_url": "https://b.example/1", "content_text": "Text", "tags": ["x"],
     "date_published": "2026-11-23T07:45:00+01:00", "author": {"name": "Bob"},
     "attachments": [{"url": "https://a.example/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 99}]},
    {"id": null, "url": "https://a.example/2", "title": " "}]}"#,
    );
    assert_eq!(document["feed"]["format"], "json_feed");
    assert_eq!(document["ttl_seconds"], Value::Null);
    assert_eq!(
        document["entries"][0],
        json!({
            "id": "18446744073709551617", "title": null, "url": "https://b.example/1", "summary": null,
            "content": "Text", "author": "Bob", "published": "2026-11-23T06:45:00Z", "updated": null, "image": null,
            "categories": ["x"],
            "enclosures": [{"url": "https://a.example/1.mp3", "type": "audio/mpeg", "length": 99}],
        })
    );
    assert_eq!(document["entries"][1]["id"], "https://a.example/2");
}

#[test]
fn entries_without_an_id_have_the_same_one_every_time() {
    let body =
        "<rss><channel><item><title>a</title></item><item><title>b</title></item><item/></channel></rss>";
    let ids = |document: &Value| {
        let entries = document["entries"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (first, again) = (ids(&feed(body)), ids(&feed(body)));
    assert_eq!(first, again);
    assert!(first[0] != first[1] && first[1] != first[2] && first.iter().all(|id| id.starts_with("xxh3:")));
}

#[test]
fn r16_a_ttl_saturates_and_nonsense_is_none() {
    let ttl = |inside: &str| feed(&format!("<rss><channel>{inside}</channel></rss>"))["ttl_seconds"].clone();
    assert_eq!(ttl("<ttl> 60 </ttl>"), 3_600);
    assert_eq!(ttl("<ttl>0</ttl>"), 0);
    assert_eq!(ttl("<ttl>18446744073709551616</ttl>"), u64::MAX);
    assert_eq!(ttl("<ttl>9999999999</ttl>"), 599_999_999_940_u64);
    for nonsense in
        ["<ttl>-1</ttl>", "<ttl>NaN</ttl>", "<ttl/>", "<ttl>1e9</ttl>", "", "<item><ttl>1</ttl></item>"]
    {
        assert_eq!(ttl(nonsense), Value::Null, "{nonsense}");
    }
    let pace = |period: &str, frequency: &str| {
        ttl(&format!(
            "<sy:updatePeriod>{period}</sy:updatePeriod><sy:updateFrequency>{frequency}</sy:updateFrequency>"
        ))
    };
    assert_eq!(pace("hourly", "1"), 3_600);
    assert_eq!(pace("daily", "0"), 86_400);
    assert_eq!(pace("weekly", "18446744073709551616"), 0);
    assert_eq!(pace("secret", "2"), 43_200);
}

#[test]
fn r27_what_is_no_feed_says_so_without_its_content() {
    let error = |format, body: &str| read(format, body).unwrap_err();
    let page = "<!DOCTYPE html>\n<HTML><body>secret<p>";
    assert_eq!(error(Format::Feed, page), "it is a web page and not a feed");
    for (format, body, expected) in [
        (Format::Feed, "secret", "it is not a feed (RSS, Atom or JSON Feed)"),
        (Format::Feed, "", "it is not a feed (RSS, Atom or JSON Feed)"),
        (Format::Feed, "<svg/>", "it is not a feed (RSS, Atom or JSON Feed)"),
        (Format::Feed, r#"{"error": "secret"}"#, "it is not a JSON Feed"),
        (Format::JsonFeed, r#"{"version": "https://jsonfeed.org/version/1"}"#, "it is not a JSON Feed"),
        (Format::Rss, "<feed/>", "it is not an RSS feed"),
        (Format::Atom, "<rss/>", "it is not an Atom feed"),
        (Format::Atom, "{}", "it is not an Atom feed"),
        (Format::JsonFeed, "<rss/>", "it is not JSON (expected value at line 1 column 1)"),
    ] {
        assert_eq!(error(format, body), expected, "{body}");
    }
    // Cut off, anywhere.
    let whole = "<rss><channel><item><title>a</title></item></channel></rss>";
    assert_eq!(feed(whole)["entries"].as_array().unwrap().len(), 1);
    for end in 1..whole.len() {
        assert!(error(Format::Feed, &whole[..end]).starts_with("it is not"), "{end}");
    }
    assert!(error(Format::Feed, "<rss><channel></rss>").starts_with("it is not XML"));
    let wrong = r#"{"version": "https://jsonfeed.org/version/1", "items": [{"title": {"secret": 1}}]}"#;
    assert_eq!(error(Format::Feed, wrong), "expected a string, found something else");
}

/// On a stack that no recursion of the kind would fit in.
fn on_a_small_stack(bodies: Vec<(&'static str, String)>) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        for (reason, body) in bodies {
            for format in [Format::Feed, Format::Rss, Format::Atom] {
                let error = read(format, &body).unwrap_err();
                assert!(error.contains(reason), "{reason}: {error}");
            }
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn r25_entity_bombs_deep_markup_and_many_attributes_are_errors() {
    let nested = |tag: &str, depth: usize| {
        format!(
            "<rss><channel><item>{}{}",
            format!("<{tag}>").repeat(depth),
            format!("</{tag}>").repeat(depth)
        )
    };
    let attributes: String = (0..100_000).map(|index| format!(" a{index}='1'")).collect();
    let laughs: String = (1..10)
        .map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10)))
        .collect();
    on_a_small_stack(vec![
        ("64 deep", nested("a", 10_000)),
        ("64 deep", nested("description", 10_000)),
        ("64 deep", "<rss>".repeat(1_000_000)),
        ("256 attributes", format!("<rss><channel{attributes}/></rss>")),
        ("256 attributes", format!("<rss{attributes}/>")),
        ("entities of its own", format!("<!DOCTYPE rss [<!ENTITY l0 \"ha\">{laughs}]><rss>&l9;</rss>")),
        (
            "entities of its own",
            "<!doctype rss SYSTEM \"x\" [<!ENTITY % p SYSTEM \"file:///etc/passwd\">]><rss/>".to_owned(),
        ),
        ("200000 elements", format!("<rss>{}</rss>", "<a/>".repeat(200_000))),
        ("10000 entries", format!("<rss>{}</rss>", "<item/>".repeat(10_001))),
    ]);
}

#[test]
fn r25_json_feeds_5000_deep_end_without_an_abort() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        let start = r#"{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1, "#;
        // A member that is not read is passed over, however deep.
        assert_eq!(
            read(Format::Feed, format!("{start}\"x\": {deep}}}]}}")).unwrap()["entries"][0]["id"],
            "1"
        );
        assert!(read(Format::Feed, format!("{start}\"title\": {deep}}}]}}")).is_err());
        assert!(read(Format::Feed, &deep).is_err());
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn r26_odd_characters_do_not_reach_the_document() {
    let document = feed(
        "<rss><channel><item><guid>a&#xFFFE;&#1;&#xD800;&#0;&#99999999999;\u{FFFF}</guid></item></channel></rss>",
    );
    assert_eq!(document["entries"][0]["id"], "a&#xD800;&#0;&#99999999999;");
}

proptest::proptest! {
    #[test]
    fn r25_any_markup_is_survived(pieces in proptest::collection::vec(0_usize..PIECES.len(), 0..60)) {
        let body: String = pieces.into_iter().map(|index| PIECES[index]).collect();
        let _ = document(Format::Feed, None, body.as_bytes());
    }
}

const PIECES: [&str; 24] = [
    "<rss>",
    "</rss>",
    "<channel>",
    "</channel>",
    "<item>",
    "</item>",
    "<title>",
    "</title>",
    "<feed>",
    "<entry>",
    "</entry>",
    "</feed>",
    "<content type='xhtml'>",
    "</content>",
    "<div>",
    "</div>",
    "x",
    "&amp;",
    "&",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<link href='x'/>",
];
