package huggingface_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/hubtest"
	"finest/hub/huggingface"
	"finest/internal/polite"
)

// dial returns a client of w that does not wait between attempts.
func dial(t testing.TB, w *devhubtest.World, change ...func(*huggingface.Options)) *huggingface.Client {
	t.Helper()
	carrier := polite.NewClient("finest/test")
	carrier.Interval = 0
	carrier.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	o := huggingface.Options{Endpoint: w.Endpoint, Token: devhubtest.Token, HTTP: carrier}
	for _, c := range change {
		c(&o)
	}
	c, err := huggingface.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The client is a hub like any other, whatever the sizes of pages and parts.
func TestSuite(t *testing.T) {
	for name, change := range map[string]func(*devhub.Options){
		"as the Hub":             func(*devhub.Options) {},
		"small pages, and parts": func(o *devhub.Options) { o.PageSize, o.ChunkSize = 7, 8<<10 },
	} {
		t.Run(name, func(t *testing.T) {
			w := devhubtest.Serve(t, change)
			repos := 0
			hubtest.Suite(t, func(t *testing.T) hubtest.Env {
				return hubtest.Env{
					Hub: dial(t, w), Peer: dial(t, w),
					NewRepo: func() string { repos++; return fmt.Sprintf("tester/repo-%d", repos) },
				}
			})
		})
	}
}
