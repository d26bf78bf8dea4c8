// Package assets gets the files that stages read or models are judged by and the
// program does not hold: from the web, from a copy elsewhere, or out of an
// archive. What it writes has the content that the catalogue of package
// pipeline/assets pins.
package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"finest/internal/durable"
	"finest/internal/polite"
	"finest/pipeline/assets"
)

// ErrNotFound says that an asset is not where it was looked for.
var ErrNotFound = errors.New("asset not found")

// Options say what to get, from where.
type Options struct {
	// Dir is the folder of the assets; it is created.
	Dir string
	// Want are the assets that must be in Dir in the end.
	Want []assets.Asset
	// Client makes the requests.
	Client *polite.Client
	// Mirror, if not empty, is a copy of such a folder: DIR, file:DIR or a URL.
	// Without one each asset comes from its source.
	Mirror string
	// Progress is told how far the download of a file is; total is 0 if that is
	// not known. It may be nil.
	Progress func(file string, done, total int64)
	Log      zerolog.Logger
}

// Result says how an asset got into the folder.
type Result struct {
	assets.Asset
	// From is a URL or path; empty if the asset was there before.
	From string
}

// Pull makes sure that the wanted assets are in the folder, and returns one
// result for each in their order. What is there and whole is not fetched again,
// and a download that was stopped goes on where it was. The error wraps
// assets.ErrContent if what came is another file, durable.ErrLocked if another
// process is at it, and errors of package polite; assets that were whole stay.
func Pull(ctx context.Context, o Options) ([]Result, error) {
	p, err := open(o)
	if err != nil {
		return nil, err
	}
	defer p.close()
	for _, group := range bySource(p.missing) {
		if err := p.fetch(ctx, group); err != nil {
			return p.results(), err
		}
	}
	return p.results(), nil
}

// Import takes assets from the file or folder at path instead, see
// assets.FromFile: all of the wanted that are not in Dir, or, if some is set, as
// many of the wanted as are there, but at least one. The error wraps ErrNotFound
// if that cannot be, or assets.ErrContent if a file of the right name is another.
func Import(o Options, path string, some bool) ([]Result, error) {
	p, err := open(o)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if some {
		p.missing = o.Want
		clear(p.from)
	}
	found, err := assets.FromFile(path, o.Dir, p.missing)
	for _, a := range found.Installed {
		p.from[a.Name] = path
	}
	if err != nil {
		return p.results(), err
	}
	enough := len(found.Installed) == len(p.missing) || some && len(found.Installed) > 0
	if !enough {
		what := "assets"
		if !some {
			what = p.firstMissing()
		}
		err = fmt.Errorf("take %s from %s: %w", what, path, ErrNotFound)
		for _, a := range slices.Backward(p.missing) {
			if rejected := found.Rejected[a.Name]; rejected != nil {
				err = fmt.Errorf("take %s from %s: %w", a.Name, path, rejected)
			}
		}
	}
	return p.results(), err
}

// pull is work in a locked folder.
type pull struct {
	Options
	lock    *durable.Lock
	missing []assets.Asset
	from    map[string]string // by name, where an asset came from; "" if it was there
}

func open(o Options) (*pull, error) {
	if err := durable.MkdirAll(o.Dir); err != nil {
		return nil, fmt.Errorf("create folder of assets: %w", err)
	}
	lock, err := durable.TryLock(filepath.Join(o.Dir, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("get assets into %s: %w", o.Dir, err)
	}
	p := &pull{Options: o, lock: lock, from: make(map[string]string)}
	for _, a := range o.Want {
		state, err := assets.Check(o.Dir, a.File)
		if err == nil {
			err = p.removeTemporary(a.Name)
		}
		if err != nil {
			p.close()
			return nil, err
		}
		switch state {
		case assets.Present:
			p.from[a.Name] = ""
		case assets.Corrupt:
			o.Log.Warn().Str("file", filepath.Join(o.Dir, a.Name)).Msg("asset has another content and is replaced")
			fallthrough
		default:
			p.missing = append(p.missing, a)
		}
	}
	return p, nil
}

func (p *pull) close() { _ = p.lock.Unlock() }

// removeTemporary removes what a process left that was killed while it wrote an
// asset.
func (p *pull) removeTemporary(name string) error {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "."+name+".tmp-") {
			continue
		}
		if err := os.Remove(filepath.Join(p.Dir, entry.Name())); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return nil
}

func (p *pull) firstMissing() string {
	i := slices.IndexFunc(p.missing, func(a assets.Asset) bool { return p.from[a.Name] == "" })
	return p.missing[i].Name
}

func (p *pull) results() []Result {
	var list []Result
	for _, a := range p.Want {
		if from, ok := p.from[a.Name]; ok {
			list = append(list, Result{a, from})
		}
	}
	return list
}

// bySource groups assets that come out of one file.
func bySource(list []assets.Asset) [][]assets.Asset {
	var groups [][]assets.Asset
	for _, a := range list {
		i := slices.IndexFunc(groups, func(g []assets.Asset) bool { return g[0].Source == a.Source })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// fetch gets assets of one source.
func (p *pull) fetch(ctx context.Context, group []assets.Asset) error {
	if p.Mirror != "" {
		for _, a := range group {
			if err := p.download(ctx, p.Mirror, a.File, a); err != nil {
				return err
			}
		}
		return nil
	}
	if first := group[0]; len(first.Parts) > 0 {
		return p.download(ctx, first.Source.URL(), first.File, first)
	}
	return p.download(ctx, group[0].Source.Base, group[0].Source.File, group...)
}

// download fetches a file, which is an asset or the archive of some, and installs
// them. What came of a file stays for the next run until it is whole. Without a
// mirror an asset of several parts is what they are one after the other.
func (p *pull) download(ctx context.Context, location string, file assets.File, group ...assets.Asset) error {
	base, err := polite.OpenBase(location, p.Client)
	if err != nil {
		return err
	}
	fill := p.fill
	from := strings.TrimSuffix(base.String(), "/")
	if parts := group[0].Parts; len(parts) > 0 && p.Mirror == "" {
		fill = func(ctx context.Context, base polite.Base, file assets.File, part *os.File) error {
			return p.fillParts(ctx, base, file, parts, part)
		}
	} else {
		from += "/" + file.Name
	}
	// The hash in the name keeps the beginnings of different files apart.
	name := fmt.Sprintf(".%s-%.12s.part", file.Name, file.SHA256)
	part, err := os.OpenFile(filepath.Join(p.Dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = part.Close() }()
	begun, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	err = fill(ctx, base, file, part)
	if errors.Is(err, assets.ErrContent) && begun > 0 {
		p.Log.Warn().Str("file", file.Name).Msg("the parts of the download do not fit, it begins anew")
		if err = part.Truncate(0); err == nil {
			err = fill(ctx, base, file, part)
		}
	}
	if err == nil {
		err = p.install(part, group)
	}
	if err == nil || errors.Is(err, assets.ErrContent) {
		err = errors.Join(err, os.Remove(part.Name()))
	}
	if err != nil {
		return fmt.Errorf("download %s: %w", from, err)
	}
	for _, a := range group {
		p.from[a.Name] = from
	}
	return nil
}

// fill completes part and compares it with the file it must be.
func (p *pull) fill(ctx context.Context, base polite.Base, file assets.File, part *os.File) error {
	err := polite.Download(ctx, base, file.Name, file.Bytes, part, func(done, total int64) {
		if p.Progress != nil {
			p.Progress(file.Name, done, total)
		}
	})
	if err != nil {
		return err
	}
	return file.Verify(part)
}

// fillParts completes part with the files that a file is made of, from the first
// that is not whole.
func (p *pull) fillParts(ctx context.Context, base polite.Base, file assets.File, parts []assets.Part, part *os.File) error {
	have, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var end int64
	for _, f := range parts {
		begin := end
		end += f.Bytes
		if have >= end {
			continue
		}
		if err := part.Truncate(begin); err != nil {
			return err
		}
		if _, err := part.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if err := copyPart(ctx, part, base, f); err != nil {
			return err
		}
		if p.Progress != nil {
			p.Progress(file.Name, end, file.Bytes)
		}
	}
	return file.Verify(part)
}

// copyPart copies one of the files that an asset is made of.
func copyPart(ctx context.Context, w io.Writer, base polite.Base, f assets.Part) error {
	r, _, err := base.Open(ctx, f.Name)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	n, err := io.Copy(w, io.LimitReader(r, f.Bytes+1))
	if err == nil && n != f.Bytes {
		err = fmt.Errorf("%s has %d bytes or more instead of %d: %w", f.Name, n, f.Bytes, polite.ErrUnexpectedContent)
	}
	return err
}

// install takes the assets of a group from a file that is verified.
func (p *pull) install(part *os.File, group []assets.Asset) error {
	if group[0].Member == "" || p.Mirror != "" {
		if _, err := part.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return assets.Install(p.Dir, group[0], part)
	}
	found, err := assets.FromFile(part.Name(), p.Dir, group)
	if err == nil && len(found.Installed) < len(group) {
		err = fmt.Errorf("%w: it lacks an asset", ErrNotFound)
	}
	return err
}
