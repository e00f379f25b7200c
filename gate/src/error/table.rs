//! The table itself.

use super::Retry;
use http::StatusCode;

macro_rules! gate_errors {
    ($($variant:ident $code:literal $status:ident $retry:ident $detail:literal;)*) => {
        /// Why a request is refused. Each has a stable code, a status, a rule for
        /// retries and a sentence that repeats nothing of the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum GateError {
            $(
                #[doc = concat!("`", $code, "`: ", $detail)]
                #[error($detail)]
                $variant,
            )*
        }

        impl GateError {
            /// Every refusal, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What the caller may do.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }

            /// One sentence for people.
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)* }
            }
        }
    };
}

gate_errors! {
    // The request line: crate::route.
    PathNotAbsolute "path_not_absolute" BAD_REQUEST Never "the path must begin with '/'";
    PathTooLong "path_too_long" URI_TOO_LONG Never "the path is too long";
    PathTooManySegments "path_too_many_segments" URI_TOO_LONG Never "the path has too many segments";
    PathEmptySegment "path_empty_segment" BAD_REQUEST Never "the path has a segment without a name ('//')";
    PathDotSegment "path_dot_segment" BAD_REQUEST Never "the path has a segment of dots";
    PathEncodedSeparator "path_encoded_separator" BAD_REQUEST Never "the path has an escaped '/' or '\\'";
    PathBackslash "path_backslash" BAD_REQUEST Never "the path has a backslash";
    PathNullByte "path_null_byte" BAD_REQUEST Never "the path has a null byte";
    PathControlCharacter "path_control_character" BAD_REQUEST Never "the path has a control character";
    PathInvalidCharacter "path_invalid_character" BAD_REQUEST Never "the path has a character that must be escaped";
    PathInvalidEscape "path_invalid_escape" BAD_REQUEST Never "the path has a '%' that is not followed by two hexadecimal digits";
    PathDoubleEncoding "path_double_encoding" BAD_REQUEST Never "the path has an escaped escape ('%25' before two hexadecimal digits)";
    PathInvalidUtf8 "path_invalid_utf8" BAD_REQUEST Never "the escapes of the path are not UTF-8";
    PathAmbiguous "path_ambiguous" BAD_REQUEST Never "the path differs from a paid one only in letter case, ';' parameters or dots at the end";
    RouteNotFound "route_not_found" NOT_FOUND Never "nothing is offered at this path";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED Never "the path does not take this method; see the Allow header";

    // Framing and headers: crate::headers.
    HostMissing "host_missing" BAD_REQUEST Never "the request has no Host header";
    HeaderDuplicate "header_duplicate" BAD_REQUEST Never "a header that may occur once occurs twice";
    HeaderNotText "header_not_text" BAD_REQUEST Never "a header has characters outside visible ASCII";
    HostMismatch "host_mismatch" BAD_REQUEST Never "the request's target names another host than its Host header";
    LengthAmbiguous "length_ambiguous" BAD_REQUEST Never "the request has both Content-Length and Transfer-Encoding";
    UpgradeNotSupported "upgrade_not_supported" BAD_REQUEST Never "protocol upgrades are not forwarded";
    RequestBodyTooLarge "request_body_too_large" PAYLOAD_TOO_LARGE Never "the body is too large";
    RequestBodyInvalid "request_body_invalid" BAD_REQUEST Never "the body is not the JSON that this endpoint takes";
    RequestBodyBroken "request_body_broken" BAD_REQUEST Later "the request's body was broken off";
    RequestTimeout "request_timeout" REQUEST_TIMEOUT Later "the request did not arrive in time";
    MediaTypeUnsupported "media_type_unsupported" UNSUPPORTED_MEDIA_TYPE Never "the endpoint takes application/json";
    QueryInvalid "query_invalid" BAD_REQUEST Never "a parameter of the query is not one that this endpoint takes";
    PublicKeyInvalid "public_key_invalid" BAD_REQUEST Never "a public key is 32 bytes in base58";
    PaymentIdInvalid "payment_id_invalid" BAD_REQUEST Never "a payment id is 32 bytes in base58";
    ProductNotFound "product_not_found" NOT_FOUND Never "the merchant has no such product";

    // Web servers that ask before they forward: the verifier's forward_auth.
    OriginalRequestUnknown "original_request_unknown" BAD_REQUEST Never "the web server did not say which request it asks about";
    OriginalRequestContradicted "original_request_contradicted" BAD_REQUEST Never "headers name two different requests";
    PathNotCanonical "path_not_canonical" BAD_REQUEST Never "the path is not in its canonical form, and could not be forwarded in it";
    DecisionChanged "decision_changed" SERVICE_UNAVAILABLE Later "the request would be served by now; send it again";

    // Requests for a payment's transaction: nothing was sent, nothing was paid.
    AlreadyPaid "already_paid" CONFLICT Never "this account has paid under this payment id; nothing more is due";
    PaymentIdSpent "payment_id_spent" CONFLICT NewPaymentId "this payment id was cancelled or refunded; ask for a new challenge";
    PaymentIdTaken "payment_id_taken" CONFLICT NewPaymentId "this payment id stands for another purchase; ask for a new challenge";
    PaymentExpired "payment_expired" CONFLICT NewPaymentId "the terms under this payment id have expired; ask for a new challenge";

    // Payments that come with a request.
    SettlementPending "settlement_pending" SERVICE_UNAVAILABLE Later "what became of the payment is not known yet; send the same request with the same payment again, and do not pay anew";
    DuplicateSettlement "duplicate_settlement" CONFLICT Never "this payment was settled before, and what it paid for is used up";
    SettlementUnavailable "settlement_unavailable" SERVICE_UNAVAILABLE Later "payments cannot be settled now; nothing was taken";
    PaymentIdentifierConflict "payment_identifier_conflict" CONFLICT Never "another payment was sent under this payment identifier";

    // Sign-in: crate::siwx. Codes with the same name mean the same as in the stock
    // x402 extension.
    SiwxHeader "invalid_siwx_header" BAD_REQUEST SignIn "the SIGN-IN-WITH-X header is not base64 of a sign-in message";
    SiwxField "invalid_siwx_field" BAD_REQUEST SignIn "a field of the sign-in message is empty, too long or has control characters";
    SiwxVersion "invalid_siwx_version" UNAUTHORIZED SignIn "the sign-in message must have version 1";
    SiwxUnsupportedChain "invalid_siwx_unsupported_chain" UNAUTHORIZED SignIn "sign in with an ed25519 key of a solana: chain";
    SiwxChainId "invalid_siwx_chain_id" UNAUTHORIZED SignIn "the sign-in message is for another cluster";
    SiwxDomainMismatch "invalid_siwx_domain_mismatch" UNAUTHORIZED SignIn "the sign-in message is for another domain";
    SiwxUriMismatch "invalid_siwx_uri_mismatch" UNAUTHORIZED SignIn "the sign-in message is for a URL of another origin";
    SiwxNonce "invalid_siwx_nonce" UNAUTHORIZED SignIn "the nonce is not one that this service made for this product, or too old";
    SiwxNonceUsed "invalid_siwx_nonce_used" UNAUTHORIZED SignIn "the nonce was used before";
    SiwxIssuedAt "invalid_siwx_issued_at" UNAUTHORIZED SignIn "issuedAt is not an RFC 3339 time";
    SiwxIssuedAtTooOld "invalid_siwx_issued_at_too_old" UNAUTHORIZED SignIn "the sign-in message is older than five minutes";
    SiwxIssuedAtInFuture "invalid_siwx_issued_at_in_future" UNAUTHORIZED SignIn "the sign-in message was issued in the future";
    SiwxExpirationTime "invalid_siwx_expiration_time" UNAUTHORIZED SignIn "expirationTime is not an RFC 3339 time";
    SiwxExpired "invalid_siwx_expired" UNAUTHORIZED SignIn "the sign-in message has expired";
    SiwxNotBefore "invalid_siwx_not_before" UNAUTHORIZED SignIn "notBefore is not an RFC 3339 time";
    SiwxNotYetValid "invalid_siwx_not_yet_valid" UNAUTHORIZED SignIn "the sign-in message is not valid yet";
    SiwxMalformedSignature "invalid_siwx_malformed_signature" UNAUTHORIZED SignIn "the address is 32 and the signature 64 bytes in base58";
    SiwxSignature "invalid_siwx_signature" UNAUTHORIZED SignIn "the signature does not belong to the message and the address";

    // Sessions: crate::session.
    SessionMalformed "session_malformed" UNAUTHORIZED SignIn "the session token is damaged";
    SessionInvalid "session_invalid" UNAUTHORIZED SignIn "the session token was not made by this service";
    SessionExpired "session_expired" UNAUTHORIZED SignIn "the session token has expired";
    SessionOtherProduct "session_other_product" UNAUTHORIZED SignIn "the session token is for another product";

    // What the chain says: crate::decision.
    EntitlementRevoked "entitlement_revoked" FORBIDDEN Never "the merchant revoked the entitlement";
    ProductNotForSale "product_not_for_sale" FORBIDDEN Later "the product is not for sale now; do not pay for it";
    ReadingMismatch "reading_mismatch" INTERNAL_SERVER_ERROR Later "the chain was read at the wrong account; do not pay because of this";
    ChainUnavailable "chain_unavailable" SERVICE_UNAVAILABLE Later "whether somebody paid cannot be read now; do not pay because of this";

    TransfersUnavailable "transfers_unavailable" SERVICE_UNAVAILABLE Later "plain transfers are not taken now; pay by the transaction request";
    OfferUnavailable "offer_unavailable" SERVICE_UNAVAILABLE Later "the product's terms cannot be read now; do not pay because of this";
    SignInsUnavailable "sign_ins_unavailable" SERVICE_UNAVAILABLE Later "whether the sign-in was used before cannot be said now; send it again";
    CreditsUnavailable "credits_unavailable" SERVICE_UNAVAILABLE Later "how many credits are left cannot be said now; do not pay because of this";

    // The service around the gate.
    RateLimited "rate_limited" TOO_MANY_REQUESTS Later "too many requests from this address or payer; do not pay because of this";
    UpstreamUnavailable "upstream_unavailable" BAD_GATEWAY Later "the service behind the gate did not answer properly";
    UpstreamTimeout "upstream_timeout" GATEWAY_TIMEOUT Later "the service behind the gate did not answer in time";
    Overloaded "overloaded" SERVICE_UNAVAILABLE Later "too many requests at once";
    Internal "internal" INTERNAL_SERVER_ERROR Later "an error of the service; do not pay because of this";
}
