//! The daemon: wait for orders, tell what happens.

use std::io;

use bus_api::serve::{IncomingStream, Limits, Server};
use daemon_runtime::args::CommonArgs;
use daemon_runtime::fds::PassedFds;
use daemon_runtime::notify::Runner;
use daemon_runtime::shutdown::Shutdown;
use daemon_runtime::{config, listen, logging};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::driver::{Inputs, Supervisor};
use crate::timer::Timer;
use crate::{NAME, bus, setup};

/// Runs until SIGTERM. Ending stops nothing: services go on, and the next supervisor finds them.
///
/// # Errors
/// When it cannot start: configuration, sockets, the executor.
pub fn main(args: &CommonArgs) -> Result<(), Box<dyn std::error::Error>> {
    let config: Config = config::load(NAME, args)?;
    logging::init(NAME, args, &config.log);
    daemon_runtime::run(daemon(args, &config))??;
    Ok(())
}

async fn daemon(args: &CommonArgs, config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    let mut passed = PassedFds::from_env();
    let runner = Runner::from_env();
    let host = setup::host(args, config, args.runtime(), runner, false)?;
    let listener = match passed.take("bus") {
        Some(fd) => listen::from_fd(fd)?,
        None => listen::bind(&host.runtime.bus(NAME))?,
    };
    let exits = passed.take("exits");
    let (mut supervisor, mut inputs) = Supervisor::new(host, exits)?;
    supervisor.recover(passed.take_rest());
    let (server, mut incoming) = Server::new(Limits::default());
    server.listen(listener, "bus")?;
    // Nobody is connected yet: whoever comes asks for all of it.
    supervisor.take_news();
    let count = supervisor.services().count();
    supervisor.host().runner.ready(&format!("{count} services"));
    tracing::info!(services = count, "serving");
    event_loop(&mut supervisor, &mut inputs, &server, &mut incoming).await?;
    server.drain(std::time::Duration::from_millis(500)).await;
    Ok(())
}

async fn event_loop(
    supervisor: &mut Supervisor,
    inputs: &mut Inputs,
    server: &Server,
    incoming: &mut IncomingStream,
) -> io::Result<()> {
    let mut shutdown = Shutdown::install()?;
    let mut children = signal(SignalKind::child())?;
    let mut timer = Timer::new();
    // Children that ended before the handler was there.
    supervisor.reap();
    loop {
        bus::publish(supervisor, server);
        tokio::select! {
            biased;
            _ = children.recv() => supervisor.reap(),
            Some(input) = inputs.recv() => supervisor.handle(input),
            Some(message) = incoming.recv() => bus::take(supervisor, server, message),
            () = timer.wait(supervisor.deadline()) => supervisor.tick(),
            name = shutdown.requested() => {
                tracing::info!("{name}: ending; services go on");
                supervisor.host().runner.stopping();
                return Ok(());
            }
        }
    }
}
