package huggingface_test

import (
	"fmt"
	"testing"

	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/hubtest"
)

// The client is a hub like any other, whatever the sizes of pages and parts.
func TestSuite(t *testing.T) {
	for name, change := range map[string]func(*devhub.Options){
		"as the Hub":             func(*devhub.Options) {},
		"small pages, and parts": func(o *devhub.Options) { o.PageSize, o.ChunkSize = 7, 32<<10 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := devhubtest.Serve(t, change)
			repos := 0
			hubtest.Suite(t, func(t *testing.T) hubtest.Env {
				return hubtest.Env{
					Hub: devhubtest.Dial(t, w.Endpoint), Peer: devhubtest.Dial(t, w.Endpoint),
					NewRepo: func() string { repos++; return fmt.Sprintf("tester/repo-%d", repos) },
				}
			})
		})
	}
}
