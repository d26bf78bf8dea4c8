package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/chain/subtensor"
	"finest/hub"
	"finest/hub/huggingface"
)

func answers(url string) error {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, r.Status)
	}
	return nil
}

// publishAgain publishes a file with the token of the devnet, and wants it to be
// there before if it was published already.
func publishAgain(ctx context.Context, l Layout, endpoint string, published bool) error {
	raw, err := os.ReadFile(l.tokenFile())
	if err != nil {
		return err
	}
	client, err := huggingface.New(huggingface.Options{Endpoint: endpoint, Token: string(raw)})
	if err != nil {
		return err
	}
	ref := hub.Ref{Repo: "somebody/finest", Revision: hub.MainBranch}
	if published {
		_, err = client.Stat(ctx, ref, "file")
		return err
	}
	if err := client.EnsureRepo(ctx, ref.Repo); err != nil {
		return err
	}
	head, err := client.Head(ctx, ref)
	if err != nil {
		return err
	}
	_, err = client.Publish(ctx, hub.Publication{
		Repo: ref.Repo, Message: "try", Parent: head, Add: []hub.Source{hub.Bytes("file", []byte("content"))},
	})
	return err
}

// The services run alone, and again in the same folder: the chain goes on where
// it was, with the blocks it had, and the hub has what was published.
func TestServicesGoOnInTheirFolder(t *testing.T) {
	prepared, err := Prepare(t.Context(), Layout{Dir: t.TempDir(), BlockTime: 20 * time.Millisecond}, []string{writeInput(t, 20)})
	if err != nil {
		t.Fatal(err)
	}
	var before chain.Block
	for range 2 {
		layout, err := Open(prepared.Dir)
		if err != nil || layout != prepared {
			t.Fatalf("layout is %+v, %v, want %+v", layout, err, prepared)
		}
		ctx, stop := context.WithCancel(t.Context())
		err = Serve(ctx, layout, Options{Log: zerolog.Nop()}, func(s Services) error {
			defer stop()
			client, err := subtensor.New(subtensor.Options{Endpoints: []string{s.Chain}})
			if err != nil {
				return err
			}
			defer func() { _ = client.Close() }()
			again, err := client.BlockAt(ctx, before.Number)
			if err != nil {
				return err
			}
			if before != (chain.Block{}) && again != before {
				t.Errorf("block %d is %v, was %v", before.Number, again, before)
			}
			config, err := os.ReadFile(layout.Config())
			if err != nil {
				return err
			}
			if err := publishAgain(ctx, layout, s.Hub, before.Number > 0); err != nil {
				return err
			}
			for _, address := range []string{s.Chain, s.Hub, s.Files, s.Tasks, layout.tokenFile()} {
				if !strings.Contains(string(config), address+`"`) {
					t.Errorf("the configuration does not name %s", address)
				}
			}
			if before, err = client.Finalized(ctx); err != nil {
				return err
			}
			return errors.Join(answers(s.Files+"part-00000.warc.gz"), answers(s.Tasks+"/v1/server"))
		})
		stop()
		if err != nil {
			t.Fatal(err)
		}
	}
	if before.Number == 0 {
		t.Error("the chain stands still")
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	for _, text := range []string{"", "{", `{"block_time_ms":0}`, `{"block_time_ms":250,"x":1}`} {
		l := Layout{Dir: t.TempDir()}
		if err := os.WriteFile(l.marker(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(l.Dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("marker %q: %v", text, err)
		}
	}
}
