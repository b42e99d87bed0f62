use super::*;

fn redactor() -> Redactor {
    let mut secrets = Secrets::default();
    secrets.add("token", "t0p/secret");
    Redactor::new(&secrets, &["quirk".to_owned()])
}

#[test]
fn r28_what_belongs_to_somebody_is_replaced_in_every_place() {
    let body = Tree::parse(
        r#"{"id": "1002", "author": "ada_l", "user": {"id": 7, "display_name": "Ada Lovelace", "mobile": 491701234567},
           "text": "Ada Lovelace wrote to bob@mail.example from 10.0.0.9, says t0p/secret", "quirk": "odd value",
           "next": "https://x.example/users/ada_l/posts?access_token=t0p%2Fsecret&page=2"}"#,
    )
    .unwrap();
    let mut redactor = redactor();
    redactor.learn(&body);
    let text = redactor.rewrite(&body).compact();
    for planted in ["ada_l", "Lovelace", "491701234567", "bob@", "10.0.0.9", "t0p", "odd value"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    assert!(text.contains(r#""id":"1002""#) && text.contains(r#""id":7"#), "ids stay: {text}");
    let again = redactor.rewrite_target("/users/ada_l/posts?access_token=t0p%2Fsecret&page=2");
    assert!(text.contains(&format!("https://x.example{again}")), "{again} is not the link in {text}");
    assert_eq!(redactor.left_in(&text), None);
    assert_eq!(redactor.left_in("x t0p/secret"), Some("the secret `token`".to_owned()));
    assert_eq!(redactor.report().get("`author`"), Some(&1));
}

#[test]
fn r28_markup_and_cookies_are_looked_through() {
    let mut redactor = redactor();
    let feed = "<feed><author><name>Ada Lovelace</name></author><title>By Ada Lovelace</title></feed>";
    redactor.learn_markup(feed);
    let text = redactor.rewrite_text(feed);
    assert!(!text.contains("Lovelace") && text.starts_with("<feed><author><name>"), "{text}");
    redactor.learn_text("https://x.example/feed?sig=abcdef123");
    assert!(redactor.rewrite_target("/feed?sig=abcdef123").starts_with("/feed?sig="));
    assert!(!redactor.rewrite_target("/feed?sig=abcdef123").contains("abcdef123"));
}

#[test]
fn r28_every_string_of_a_person_goes_and_what_the_api_says_stays() {
    let body = Tree::parse(
        r#"{"account": {"id": "77", "note": "<p>Gardens in Kew</p>", "header": "https://x.example/h/planted-1.png",
             "header_static": "https://x.example/h/planted-2.png", "created_at": "2026-01-02T03:04:05Z", "followers_count": 4096,
             "type": "Person", "locked": false},
           "user": {"description": "Planted gardener", "company": "Planted & Co", "blog": "planted.example", "hometown": "Plantedham",
             "profile_image_url_https": "https://x.example/planted-3.png"},
           "author": {"given": "Augusta", "family": "Planted-Byron", "sub": "planted-sub"}, "participants": ["planted-one"],
           "commenter": {"real": "Planted Real"}, "status": {"visibility": "public", "language": "en", "replies": 3},
           "lists": [{"lat": 3, "id": "115570000000000002"}]}"#,
    )
    .unwrap();
    let mut redactor = redactor();
    redactor.learn(&body);
    let text = redactor.rewrite(&body).compact();
    for planted in ["lanted", "Gardens", "Kew", "Augusta", "Byron"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    for kept in [
        r#""id":"77""#,
        "2026-01-02T03:04:05Z",
        "4096",
        r#""type":"Person""#,
        r#""visibility":"public""#,
        r#""replies":3"#,
        "115570000000000002",
        "false",
    ] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
}

#[test]
fn r28_secrets_of_every_kind_go_from_bodies_and_urls() {
    let body = Tree::parse(
        r#"{"private_key": "-----BEGIN KEY-----\nplanted/1\n-----END KEY-----", "access_key": "AKIAIOSFODNN7PLANTED",
           "bearer": "planted-2", "otp": 493817, "pin": "4711", "csrf": "planted-3", "card_number": "4111111111111111",
           "text": "pin 4711 and 4111 1111 1111 1112 and eyJwbGFudGVk.eyJwbGFudGVk.cGxhbnRlZA0", "total_tokens": 512,
           "nested": "{\"client_secret\": \"planted-4\"}", "ada@planted.example": 1,
           "url": "https://x.example/f?session_id=planted-5&X-Amz-Signature=planted6&X-Amz-Credential=planted%2F7&limit=5",
           "to": "https://planted-8:planted-9@x.example/"}"#,
    )
    .unwrap();
    let mut redactor = redactor();
    redactor.learn(&body);
    let text = redactor.rewrite(&body).compact();
    for planted in ["lanted", "PLANTED", "4711", "493817", "4111", "eyJw"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    assert!(text.contains("limit=5") && text.contains("512"), "{text}");
    assert_eq!(redactor.left_in(&text), None);
    let again = redactor.rewrite_target(
        "/f?session_id=planted-5&X-Amz-Signature=planted6&X-Amz-Credential=planted%2F7&limit=5",
    );
    assert!(text.contains(&format!("https://x.example{again}")), "{again} is not the link in {text}");
    assert!(
        redactor.left_in(r#""-----BEGIN KEY-----\nplanted/1\n-----END KEY-----""#).is_some(),
        "as JSON has it"
    );
}

#[test]
fn r28_people_in_feeds_are_found_however_they_are_written() {
    let mut redactor = redactor();
    let feed = "<rss><channel><webMaster>web@mail.example (Charles Babbage)</webMaster>\
                <managingEditor>ed@mail.example (Mary Somerville)</managingEditor><item>\
                <dc:creator><![CDATA[Ada Lovelace & Co]]></dc:creator><title>Ada Lovelace &amp; Co, Mary Somerville</title>\
                <guid>https://x.example/@ada_l/42</guid><author><given>Ada</given></author><d>So Ada, Adam.</d></item></channel></rss>";
    redactor.learn_markup(feed);
    let text = redactor.rewrite_text(feed);
    for planted in ["Lovelace", "Babbage", "Somerville", "mail.example", "So Ada,"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    assert!(text.contains("/42</guid>") && text.contains("Adam") && text.contains("<![CDATA["), "{text}");
}

#[test]
fn names_in_urls_are_found_with_a_sign_before_and_an_ending_behind_them() {
    let mut redactor = redactor();
    let stand_in = redactor.know("ada_l", "a name");
    assert_eq!(redactor.rewrite_target("/@ada_l.rss?x=ada_lx"), format!("/@{stand_in}.rss?x=ada_lx"));
}
