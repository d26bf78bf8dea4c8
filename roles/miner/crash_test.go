package miner_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/miner"
)

// workOff lets miners live and die until one finds that all tasks are done.
func (w *world) workOff() {
	w.t.Helper()
	for killed := true; killed; {
		var err error
		err, killed = w.live(func(m *miner.Miner) error {
			for {
				out, err := m.Once(w.t.Context())
				if err != nil || out.Status == miner.NoTask {
					return err
				}
			}
		})
		if err != nil {
			w.t.Fatalf("%v; steps: %q", err, w.fault.names)
		}
	}
}

// publications returns what is published, by path, without what is random:
// receipts and signatures, and what hashes them.
func (w *world) publications() map[string][]byte {
	w.t.Helper()
	out := map[string][]byte{}
	for path, content := range w.head(repo).files {
		switch {
		case path == contract.LogPath:
			continue
		case path == "totals.json":
			sums, err := miner.ParseTotals(content)
			if err != nil {
				w.t.Fatal(err)
			}
			sums.Log = ""
			if content, err = canon.Marshal(sums); err != nil {
				w.t.Fatal(err)
			}
		case strings.HasPrefix(path, "tasks/"):
			var m contract.Manifest
			if err := canon.Unmarshal(content, &m); err != nil {
				w.t.Fatal(err)
			}
			m.Receipt, m.Signature = nil, ""
			var err error
			if content, err = canon.Marshal(m); err != nil {
				w.t.Fatal(err)
			}
		}
		out[path] = content
	}
	return out
}

// check makes sure that every task was refined, published and claimed once.
func (w *world) check() error {
	for file, times := range w.refined {
		if times != 1 {
			return fmt.Errorf("%s was refined %d times", file, times)
		}
	}
	if n := len(w.refined); n != 2*w.tasks {
		return fmt.Errorf("%d files were refined", n)
	}
	if twice := sentTwice(w.hub); len(twice) > 0 {
		return fmt.Errorf("contents were sent more than once: %v", twice)
	}
	commits := w.commits(repo)
	if len(commits) != w.tasks {
		return fmt.Errorf("%d commits for %d tasks", len(commits), w.tasks)
	}
	claims, blocks := w.claims()
	if len(claims) != w.tasks {
		return fmt.Errorf("%d claims for %d tasks: %v", len(claims), w.tasks, claims)
	}
	var log []byte
	for i, c := range commits {
		task := contract.TaskID(crawl, i)
		raw := c.files[contract.ManifestPath(task)]
		if err := w.checkManifest(raw); err != nil {
			return err
		}
		log = append(log, contract.LogLine{Task: task, Generation: 3, Manifest: canon.Sum(raw)}.Encode()...)
		if !bytes.Equal(c.files[contract.LogPath], log) {
			return fmt.Errorf("log of commit %d is %s, want %s", i, c.files[contract.LogPath], log)
		}
		if want := (contract.Claim{Repo: repo, Commit: c.sha, LogSHA256: canon.Sum(log)}); claims[i] != want {
			return fmt.Errorf("claim %d is %v, want %v", i, claims[i], want)
		}
		want := contract.SubmitRequest{
			Op: contract.OpSubmit, Task: task, Generation: 3, Claim: claims[i].String(), Manifest: canon.Sum(raw), Block: blocks[i],
		}
		if w.submitted[task] != want {
			return fmt.Errorf("submission is %+v, want %+v", w.submitted[task], want)
		}
	}
	return nil
}

func (w *world) checkManifest(raw []byte) error {
	var m contract.Manifest
	if err := canon.Unmarshal(raw, &m); err != nil {
		return err
	}
	if err := m.Validate(); err != nil {
		return err
	}
	unsigned, err := canon.Marshal(m.Unsigned())
	if err != nil {
		return err
	}
	var signature [64]byte
	if _, err := hex.Decode(signature[:], []byte(m.Signature)); err != nil {
		return err
	}
	if m.Receipt == nil || m.Hotkey != w.hotkey.Address() || !wallet.Verify(w.hotkey.PublicKey(), unsigned, signature) {
		return fmt.Errorf("manifest of %s is not signed by its hotkey, or has no receipt", m.Task)
	}
	return nil
}

// claims returns all claims on chain, in order, and their blocks.
func (w *world) claims() (claims []contract.Claim, blocks []uint64) {
	w.t.Helper()
	w.fault.at = 0
	local, ctx := w.openChain(), context.Background()
	head, err := local.Head(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for n := uint64(1); n <= head.Number; n++ {
		block, err := local.BlockAt(ctx, n)
		if err != nil {
			w.t.Fatal(err)
		}
		var events []chain.Commitment
		if events, err = local.CommitmentEvents(ctx, netuid, block); err != nil {
			w.t.Fatal(err)
		}
		for _, e := range events {
			c, err := contract.ParseClaim(e.Fields)
			if err != nil {
				w.t.Fatal(err)
			}
			claims, blocks = append(claims, c), append(blocks, n)
		}
	}
	return claims, blocks
}

// questions are steps without effect.
var questions = []string{"head", "commitment", "wait finalized", "hub head", "hub open"}

// TestKilledAtEveryStep kills a miner at the k-th step it takes in the world,
// for every k and in every way that leaves another world, and lets others go on in its folder: all of
// them together do what one that nobody kills does.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	calm := newWorld(t)
	calm.workOff()
	if err := calm.check(); err != nil {
		t.Fatal(err)
	}
	want, names := calm.publications(), slices.Clone(calm.fault.names)
	t.Logf("%d steps", len(names))
	stride := 1
	if testing.Short() {
		stride = 5
	}
	// Being killed before a step leaves the world as being killed after the one
	// before it does. Small files and folders that are written and removed in
	// between, without a step, are seen by what comes next: an entry of a journal,
	// which may be torn, or the first step towards another lease.
	for way, name := range map[int]string{after: "after", torn: "torn", sent: "sent"} {
		for k := 1; k <= len(names); k += stride {
			question := slices.ContainsFunc(questions, func(q string) bool { return strings.HasPrefix(names[k-1], q) })
			if question || way == torn && !strings.HasPrefix(names[k-1], "journal") || way == sent && names[k-1] != setCommitment {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.fault.at, w.fault.way = k, way
				w.workOff()
				if w.fault.steps < k || w.fault.kills != 1 {
					t.Fatalf("%d kills in %d steps", w.fault.kills, w.fault.steps)
				}
				if err := w.check(); err != nil {
					t.Fatalf("killed at step %d, %s: %v\nsteps: %q", k, names[k-1], err, w.fault.names)
				}
				got := w.publications()
				if len(got) != len(want) {
					t.Fatalf("%d files are published, want %d", len(got), len(want))
				}
				for path, content := range want {
					if !bytes.Equal(got[path], content) {
						t.Errorf("%s differs:\n%s\nwant\n%s", path, got[path], content)
					}
				}
			})
		}
	}
}
