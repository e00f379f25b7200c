//! The sections of the configuration, one function each.
//!
//! Every function reads all keys of its section before it gives up, so that all
//! problems are reported, the unknown keys among them: a misspelt key shows up
//! together with the one that is missing.

use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderValue, Method};
use solana_pubkey::Pubkey;
use tollgate_client::{Credits, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Charge, Metering, Origin};

use super::document::Section;
use super::error::ProblemKind;
use super::{
    AllowedOrigins, MerchantConfig, MerchantId, PublicUrl, RouteAccess, RouteConfig, ServerConfig,
    Settlement,
};

pub(super) const ONE_MINUTE_MS: u64 = 60_000;
pub(super) const ONE_HOUR_MS: u64 = 60 * ONE_MINUTE_MS;

/// The methods a route may have. `CONNECT` and `TRACE` are never proxied,
/// `OPTIONS` is answered here, and `HEAD` comes with `GET`.
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Parses a value that has a text form; a failure repeats what was expected.
pub(super) fn from_text<T: FromStr>(expected: &str) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        text.parse()
            .map_err(|_| format!("expected {expected}, found {text:?}"))
    }
}

pub(super) fn server(section: Section<'_, '_>, folder: &Path) -> Option<ServerConfig> {
    const LISTEN: &str = "an address and port such as \"127.0.0.1:8402\"";
    let listen: Option<SocketAddr> = section.optional("listen", LISTEN, from_text(LISTEN));
    let public_url: Option<PublicUrl> = section.parsed("public_url", "a URL", |text| {
        let url: PublicUrl = text
            .parse()
            .map_err(|message| format!("{message}, found {text:?}"))?;
        // The gate's rules are stricter: plain http only on the own machine.
        Origin::parse(&url.to_string())
            .map(|_| url)
            .map_err(|error| format!("{error}, found {text:?}"))
    });
    let mut config = ServerConfig::new(
        listen.unwrap_or(ServerConfig::DEFAULT_LISTEN),
        public_url.clone().unwrap_or_else(PublicUrl::unset),
    );
    section.set_count("max_connections", &mut config.max_connections, 1_000_000);
    section.set_count(
        "max_connections_per_address",
        &mut config.max_connections_per_address,
        1_000_000,
    );
    for (key, value, most) in [
        (
            "header_read_timeout_ms",
            &mut config.header_read_timeout,
            ONE_MINUTE_MS,
        ),
        ("idle_timeout_ms", &mut config.idle_timeout, ONE_HOUR_MS),
        ("stall_timeout_ms", &mut config.stall_timeout, ONE_HOUR_MS),
        (
            "shutdown_deadline_ms",
            &mut config.shutdown_deadline,
            ONE_HOUR_MS,
        ),
    ] {
        section.set_milliseconds(key, value, most);
    }
    section.set_integer(
        "max_request_body_bytes",
        &mut config.max_request_body,
        (0, 1 << 40),
    );
    section.set_boolean("server_timing", &mut config.server_timing);
    let mut grace = 0;
    section.set_integer("shutdown_grace_ms", &mut grace, (0, ONE_HOUR_MS));
    config.shutdown_grace = Duration::from_millis(grace);
    config.tls = section
        .optional_table("tls")
        .and_then(|section| super::tls::tls(section, folder));
    section.set_seconds(
        "session_lifetime_seconds",
        &mut config.session_lifetime,
        MAX_SESSION_LIFETIME.0,
    );
    if let Some(origins) = section.strings("allowed_origins", "an array of origins", origin) {
        config.allowed_origins = if origins.iter().any(|origin| origin == "*") {
            AllowedOrigins::Any
        } else {
            AllowedOrigins::List(origins)
        };
    }
    section.finish();
    public_url.is_some().then_some(config)
}

fn origin(text: &str) -> Result<HeaderValue, String> {
    let expected = || {
        format!("expected \"*\" or an origin such as \"https://shop.example.com\", found {text:?}")
    };
    if text == "*" {
        return Ok(HeaderValue::from_static("*"));
    }
    let url = PublicUrl::from_str(text).map_err(|_| expected())?;
    if url.to_string() != text {
        return Err(expected());
    }
    HeaderValue::from_str(text).map_err(|_| expected())
}

fn optional_address(section: &Section<'_, '_>, key: &str) -> Option<Pubkey> {
    const EXPECTED: &str = "a base58 address of 32 bytes";
    section.optional(key, EXPECTED, from_text(EXPECTED))
}

pub(super) fn merchant(section: Section<'_, '_>) -> Option<MerchantConfig> {
    let owner = optional_address(&section, "owner");
    let account = optional_address(&section, "address");
    let both = section.has("owner") && section.has("address");
    let neither = !section.has("owner") && !section.has("address");
    if both || neither {
        section.report(
            ProblemKind::Conflict,
            "owner",
            "expected exactly one of owner and address",
        );
    }
    let name = section.optional("name", "a text", |text| {
        let length = text.chars().count();
        if (1..=64).contains(&length) && !text.chars().any(char::is_control) {
            Ok(text.to_owned())
        } else {
            Err("expected 1 to 64 printable characters".to_owned())
        }
    });
    let products = section.strings("products", "an array of product slugs", slug);
    let mint = optional_address(&section, "mint");
    section.finish();
    let merchant = owner
        .map(MerchantId::Owner)
        .or(account.map(MerchantId::Address))?;
    let defaults = MerchantConfig::new(merchant);
    Some(MerchantConfig {
        name: name.unwrap_or(defaults.name),
        products: products.unwrap_or_default(),
        mint,
        merchant,
    })
}

fn slug(text: &str) -> Result<String, String> {
    match Slug::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!(
            "expected a product slug: 1 to 32 of a-z, 0-9, '-', '_' and '.', found {text:?}"
        )),
    }
}

pub(super) fn route(section: Section<'_, '_>) -> Option<RouteConfig> {
    let path = section.parsed("path", "a path such as \"/v1/report/*\"", |text| {
        if text.starts_with('/') && text.len() <= 1024 {
            Ok(text.to_owned())
        } else {
            Err(format!(
                "expected a path that starts with / and has at most 1024 bytes, found {text:?}"
            ))
        }
    });
    let methods = section.strings("methods", "an array of methods", method);
    if methods.as_ref().is_some_and(Vec::is_empty) {
        section.report(
            ProblemKind::InvalidValue,
            "methods",
            "expected at least one method",
        );
    }
    let product = section.optional("product", "a product slug", slug);
    let mut free = false;
    section.set_boolean("free", &mut free);
    if free == section.has("product") {
        section.report(
            ProblemKind::Conflict,
            "product",
            "expected exactly one of product = \"slug\" and free = true",
        );
    }
    let metering = metering(&section);
    let names = Settlement::ALL.map(|(name, _)| name).join(", ");
    let settlement = section.optional("settlement", &format!("one of {names}"), |text| {
        Settlement::ALL
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, settlement)| *settlement)
            .ok_or_else(|| format!("expected one of {names}, found {text:?}"))
    });
    let text = |key: &str, most: usize| {
        section.optional(key, "a text", |text| {
            if text.len() <= most && !text.chars().any(char::is_control) {
                Ok(text.to_owned())
            } else {
                Err(format!(
                    "expected at most {most} bytes without control characters"
                ))
            }
        })
    };
    const UPGRADE: &str = "\"websocket\"";
    let upgrade = section.optional("upgrade", UPGRADE, |text| match text {
        "websocket" => Ok(()),
        _ => Err(format!("expected {UPGRADE}, found {text:?}")),
    });
    let title = text("title", 128);
    let description = text("description", 512);
    let mime_type = text("mime_type", 128);
    let line = section.line();
    section.finish();
    let access = match product {
        Some(slug) => RouteAccess::Product(slug),
        None if free => RouteAccess::Free,
        None => return None,
    };
    let defaults = RouteConfig::new(&path?, access);
    Some(RouteConfig {
        methods: methods.unwrap_or(defaults.methods),
        metering,
        settlement: settlement.unwrap_or_default(),
        title: title.unwrap_or(defaults.title),
        description: description.unwrap_or(defaults.description),
        mime_type: mime_type.unwrap_or(defaults.mime_type),
        websocket: upgrade.is_some(),
        line: Some(line),
        ..defaults
    })
}

/// What a request costs; for products that do not count credits it means nothing.
fn metering(section: &Section<'_, '_>) -> Metering {
    let mut cost = Metering::ONE_CREDIT.cost.0;
    section.set_integer("credits", &mut cost, (1, 1_000_000_000));
    let names = Charge::ALL.map(|(name, _)| name).join(", ");
    let charge = section.optional("charge", &format!("one of {names}"), |text| {
        Charge::ALL
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, charge)| *charge)
            .ok_or_else(|| format!("expected one of {names}, found {text:?}"))
    });
    Metering {
        cost: Credits(cost),
        charge: charge.unwrap_or_default(),
    }
}

fn method(text: &str) -> Result<Method, String> {
    METHODS
        .iter()
        .find(|method| method.as_str() == text)
        .cloned()
        .ok_or_else(|| {
            let known: Vec<&str> = METHODS.iter().map(Method::as_str).collect();
            format!("expected one of {}, found {text:?}", known.join(", "))
        })
}
