package commands

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/localhub"
	"finest/hub/pull"
	"finest/internal/contract"
)

const (
	defaultHubAddr     = "127.0.0.1:8734"
	everyTokenMayWrite = "every token may write to the hub"
)

func hubSpec() spec {
	return spec{
		name: "hub", summary: "copy publications from a hub, and serve one from a folder",
		about: "Copies publications from the Hugging Face Hub, or from any hub that speaks its\nAPI, and serves such a hub from a folder, for tests and for a network of your own.",
		subspecs: []spec{
			{
				name: "pull", args: "OWNER/NAME[@REVISION]", summary: "copy a miner's publication, every byte checked",
				about: `
Downloads all that a repository's claim log names at one commit: manifests,
shards and ledgers, each checked against the SHA-256 that log and manifest state.
REVISION is a commit, a branch or a tag, by default main. A stopped copy goes on
with the same command, and one that is whole is brought up to date; shards and
ledgers that are there are not downloaded again.`,
				example: "finest hub pull alice/finest --out alice",
				exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitSignal},
				flags: join(hubFlags(), []cliFlag{
					&cli.StringFlag{Name: "out", Usage: "`FOLDER` to copy to"},
					&cli.StringFlag{Name: "task", Usage: "`ID` of the only task to copy (default: all)"},
					&cli.IntFlag{Name: "max-bytes", Value: pull.DefaultMaxBytes, Usage: "most `BYTES` that the copy may have"},
					contactFlag(),
				}),
				run: runHubPull,
			},
			{
				name: "serve", args: "DIR", summary: "serve a folder as the Hugging Face Hub serves datasets",
				about: `
Speaks the Hub's API for datasets, so that its own clients (huggingface_hub,
datasets, @huggingface/hub) work with it as well as finest does. Every token that
begins with hf_ may write to every namespace, so it listens on loopback alone.
DIR is made if there is none; finest reads it directly, too, as --hub file:DIR.`,
				example: "finest hub serve hub --addr " + defaultHubAddr,
				exits:   []int{ExitFailed, ExitUsage, ExitSignal},
				flags: []cliFlag{
					&cli.StringFlag{Name: "addr", Value: defaultHubAddr, Usage: "`HOST:PORT` on loopback to listen on; port 0 takes a free one"},
				},
				run: runHubServe,
			},
		},
	}
}

// hubResult is what hub serve --json prints: one object.
type hubResult struct {
	Dir      string `json:"dir"`
	Endpoint string `json:"endpoint"`
}

func runHubServe(c *invocation) error {
	dir, err := oneArgument(c.Context, "DIR")
	if err != nil {
		return err
	}
	addr := c.String("addr")
	if err := onLoopback("addr", addr, everyTokenMayWrite); err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	store, err := localhub.Open(dir)
	if err != nil {
		return err
	}
	server := devhub.New(store, devhub.Options{Log: c.log.With().Str("part", "hub").Logger()})
	endpoint, err := server.Listen(c.Context.Context, addr)
	if err != nil {
		return err
	}
	err = c.out.result(hubResult{dir, endpoint}, func(w io.Writer) {
		fmt.Fprintf(w, `hub in %[1]s, until it is interrupted: %[2]s
programs that know the Hub find it with:

  export HF_ENDPOINT=%[2]s HF_TOKEN=hf_local HF_HUB_DISABLE_XET=1
`, dir, endpoint)
	})
	if err == nil {
		<-c.Context.Done()
	}
	return errors.Join(err, server.Close(), c.Context.Err())
}

// onLoopback refuses an address that others reach; why says what they could do.
func onLoopback(flag, addr, why string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usageError("--%s %q is not HOST:PORT", flag, addr)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return usageError("--%s %q is not on loopback: %s", flag, addr, why)
	}
	return nil
}

// splitRepo reads OWNER/NAME[@REVISION].
func splitRepo(target string) (hub.Ref, error) {
	repo, revision, given := strings.Cut(target, "@")
	if !given {
		revision = hub.MainBranch
	}
	if err := contract.ValidateRepo(repo); err != nil {
		return hub.Ref{}, err
	}
	if revision == "" {
		return hub.Ref{}, fmt.Errorf("%q names no revision behind the @", target)
	}
	return hub.Ref{Repo: repo, Revision: revision}, nil
}

func runHubPull(c *invocation) error {
	target, err := oneArgument(c.Context, "OWNER/NAME[@REVISION]")
	if err != nil {
		return err
	}
	ref, err := splitRepo(target)
	if err != nil {
		return usageError("hub pull: %w", err)
	}
	out, err := required(c.Context, "out")
	if err != nil {
		return err
	}
	most, err := number(c.Context, "max-bytes", 1, math.MaxInt)
	if err != nil {
		return err
	}
	if err := mayHoldCopy(out); err != nil {
		return err
	}
	h, err := hubToRead(c)
	if err != nil {
		return err
	}
	c.out.note("copying %s of %s to %s", ref, c.String("hub"), out)
	report, err := pull.Publication(c.Context.Context, h, ref, out, pull.Options{
		Task: c.String("task"), MaxBytes: int64(most),
		Progress: func(p pull.Progress) {
			c.out.progress(func() string {
				return fmt.Sprintf("task %s, %d of %d: %s of %s of %s", p.Task, p.Done+1, p.Tasks, byteCount(p.Have), byteCount(p.Bytes), p.Path)
			})
		},
	})
	switch {
	case errors.Is(err, hub.ErrCorrupt):
		return withCode(ExitVerification, err)
	case c.Context.Err() != nil:
		return withHint(errors.Join(err, c.Context.Err()), "the same command goes on")
	case err != nil:
		return err
	}
	return c.out.result(pullResult{report, out}, func(w io.Writer) {
		fmt.Fprintf(w, "%s@%s: %s, %s, %s in %s, of which %s, %s were downloaded\n", report.Repo, report.Commit, plural(report.Tasks, "task"),
			plural(report.Files, "file"), byteCount(report.Bytes), out, plural(report.FetchedFiles, "file"), byteCount(report.FetchedBytes))
	})
}

// mayHoldCopy refuses a folder with files of somebody else's, as a copy writes
// over what has the name of one of its own. A copy has its claim log first, and
// before that hidden files at most.
func mayHoldCopy(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hub pull: --out: %w", err)
	}
	foreign := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") })
	if _, err := os.Stat(filepath.Join(dir, contract.LogPath)); foreign && err != nil {
		return withHint(usageError("hub pull: --out %s holds files, and is no copy of a publication", dir), "name a new folder")
	}
	return nil
}

// pullResult is what hub pull --json prints: one object.
type pullResult struct {
	pull.Report
	Out string `json:"out"`
}
