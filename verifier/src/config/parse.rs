//! From TOML to [`Config`].

use std::path::Path;

use super::document::{Document, Section};
use super::error::{ConfigError, ConfigProblem, ProblemKind};
use super::secret::Environment;
use super::{
    Config, MAX_FILE_BYTES, MAX_ROUTES, RouteConfig, SourceDigest, admin, audit, chain, credits,
    limits, log, receipts, redis, relay, reload, secrets, sections, sign_ins,
};
use crate::market::RoutePlan;

pub(super) fn load(path: &Path, environment: &Environment<'_>) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    let whole_file = |kind, message: String| ConfigError {
        problems: vec![ConfigProblem {
            kind,
            file: file.clone(),
            line: None,
            key: String::new(),
            message,
        }],
    };
    let unreadable = |error: std::io::Error| {
        whole_file(
            ProblemKind::Unreadable,
            format!("expected a readable file: {error}"),
        )
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES {
        return Err(whole_file(
            ProblemKind::TooLarge,
            format!("expected at most {MAX_FILE_BYTES} bytes, found {length}"),
        ));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, &file, folder, environment)
}

pub(super) fn parse(
    text: &str,
    file: &str,
    folder: &Path,
    environment: &Environment<'_>,
) -> Result<Config, ConfigError> {
    let document = Document::new(file, text);
    let config = document.parse().and_then(|table| {
        let root = Section::root(&document, &table);
        let config = read(&root, folder, environment);
        root.finish();
        config
    });
    // What concerns several routes can be judged only when each is right by itself.
    if let Some(config) = config.as_ref().filter(|_| document.is_clean())
        && let Err(found) = RoutePlan::new(&config.routes)
    {
        for problem in found {
            let route = problem.index.and_then(|index| config.routes.get(index));
            let key = match problem.index {
                Some(index) => format!("routes[{index}].{}", problem.key),
                None => "routes".to_owned(),
            };
            document.report_at(
                ProblemKind::InvalidValue,
                route.and_then(|route| route.line),
                &key,
                problem.message,
            );
        }
    }
    let source = document.source();
    let problems = document.into_problems();
    match config {
        Some(config) if problems.is_empty() => Ok(Config { source, ..config }),
        _ => Err(ConfigError { problems }),
    }
}

/// Reads every section before giving up, so that all problems are reported.
pub(super) fn read(
    root: &Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<Config> {
    let server = root
        .table("server")
        .and_then(|section| sections::server(section, folder));
    let chain = root
        .table("chain")
        .and_then(|section| chain::chain(section, folder, environment));
    let merchant = root.table("merchant").and_then(sections::merchant);
    let secrets = root
        .table("secrets")
        .and_then(|section| secrets::secrets(section, folder, environment));
    let forwards = root.has("upstream");
    let upstream = root
        .optional_table("upstream")
        .and_then(|section| super::upstream::upstream(section, folder));
    let asked = root.has("forward_auth");
    let forward_auth = root
        .optional_table("forward_auth")
        .and_then(super::forward_auth::forward_auth);
    let redis = root
        .optional_table("redis")
        .and_then(|section| redis::redis(section, folder, environment));
    let sign_ins = root
        .optional_table("sign_ins")
        .map(|section| sign_ins::sign_ins(section, redis.as_ref()));
    let counts = root.has("credits");
    let credits = root
        .optional_table("credits")
        .and_then(|section| credits::read(section, folder, environment, redis.as_ref()));
    let receipts = root
        .optional_table("receipts")
        .map(|section| receipts::receipts(section, folder, environment));
    let audit = root
        .optional_table("audit")
        .map(|section| audit::audit(section, folder));
    let relays = root.has("relay");
    let relay = root
        .optional_table("relay")
        .and_then(|section| relay::relay(section, folder, environment));
    let limits = root.optional_table("limits").map(limits::limits);
    let admin = root.optional_table("admin").and_then(admin::admin);
    let log = root.optional_table("log").map(log::log);
    let reload = root.optional_table("reload").map(reload::reload);
    let sections = root.tables("routes");
    if sections.is_empty() || sections.len() > MAX_ROUTES {
        root.report(
            ProblemKind::InvalidValue,
            "routes",
            format!(
                "expected 1 to {MAX_ROUTES} tables [[routes]], found {}",
                sections.len()
            ),
        );
    }
    let routes: Vec<RouteConfig> = sections.into_iter().filter_map(sections::route).collect();
    Some(Config {
        server: server?,
        chain: chain?,
        merchant: merchant?,
        secrets: secrets?,
        upstream: if forwards { Some(upstream?) } else { None },
        forward_auth: if asked { Some(forward_auth?) } else { None },
        credits: if counts { Some(credits?) } else { None },
        // A section with a problem was reported; what stands in is never used.
        receipts: receipts.flatten(),
        audit: audit.flatten(),
        sign_ins: sign_ins.unwrap_or_default(),
        relay: if relays { Some(relay?) } else { None },
        limits: limits.unwrap_or_default(),
        admin,
        log: log.unwrap_or_default(),
        reload: reload.unwrap_or_default(),
        routes,
        // Known when everything was read.
        source: SourceDigest::default(),
    })
}
