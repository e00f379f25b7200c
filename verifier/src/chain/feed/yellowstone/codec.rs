//! Protobuf messages in gRPC's frames.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Sends messages `S` and receives messages `R`.
pub(crate) struct Protobuf<S, R>(PhantomData<(S, R)>);

impl<S, R> Default for Protobuf<S, R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// One direction of [`Protobuf`].
pub(crate) struct OneWay<T>(PhantomData<T>);

impl<S, R> Codec for Protobuf<S, R>
where
    S: Message + Send + 'static,
    R: Message + Default + Send + 'static,
{
    type Encode = S;
    type Decode = R;
    type Encoder = OneWay<S>;
    type Decoder = OneWay<R>;

    fn encoder(&mut self) -> OneWay<S> {
        OneWay(PhantomData)
    }

    fn decoder(&mut self) -> OneWay<R> {
        OneWay(PhantomData)
    }
}

impl<T: Message> Encoder for OneWay<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer)
            .map_err(|_| Status::internal("no room for a message"))
    }
}

impl<T: Message + Default> Decoder for OneWay<T> {
    type Item = T;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<T>, Status> {
        T::decode(buffer)
            .map(Some)
            .map_err(|_| Status::data_loss("not the message of this method"))
    }
}
