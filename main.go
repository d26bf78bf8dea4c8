// Command finest turns raw Common Crawl into pretraining data that anyone can
// check: miners refine, validators recompute, the chain keeps the order.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"finest/commands"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks every role to stop at a safe point; handing the
	// signals back lets a second one end the process at once.
	context.AfterFunc(ctx, stop)
	err := commands.Run(ctx, os.Args, commands.Streams{Out: os.Stdout, Err: os.Stderr})
	code := commands.ExitCode(err)
	if ctx.Err() != nil && code != commands.ExitOK {
		code = commands.ExitSignal
	}
	os.Exit(code)
}
