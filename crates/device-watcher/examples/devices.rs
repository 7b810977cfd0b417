//! Lists the devices, then waits for others: a client of `device-watcher --message-bus system`.
use std::{future::poll_fn, pin::Pin};

use zbus::{Connection, MatchRule, MessageStream, export::futures_core::Stream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> zbus::Result<()> {
    let (name, root) = ("org.quintet.Devices1", "/org/quintet/Devices1");
    let bus = Connection::system().await?;
    let rule = MatchRule::builder().sender(name).interface("org.freedesktop.DBus.ObjectManager").build()?;
    let mut signals = MessageStream::for_match_rule(rule, &bus, None).await?;
    let reply = bus.call_method(Some(name), root, Some(name), "List", &()).await?;
    for unit in reply.body().deserialize::<(Vec<bus_api::devices::DeviceUnit>,)>()?.0 {
        println!("{}", unit.unit);
    }
    while let Some(signal) = poll_fn(|context| Pin::new(&mut signals).poll_next(context)).await.transpose()? {
        println!("{:?}", signal.header().member());
    }
    Ok(())
}
