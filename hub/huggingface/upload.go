package huggingface

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"finest/hub"
)

// Upload stores contents ahead of the publication that will name them: those
// that the hub keeps as LFS objects. Others travel inside the commit; they are
// only compared with their hashes.
func (c *Client) Upload(ctx context.Context, repo string, contents []hub.Source) error {
	if err := c.upload(ctx, repo, contents); err != nil {
		return fmt.Errorf("upload to %.100q: %w", repo, err)
	}
	return nil
}

func (c *Client) upload(ctx context.Context, repo string, contents []hub.Source) error {
	if err := validateRepo(repo); err != nil {
		return err
	}
	if err := validateSources(contents); err != nil {
		return err
	}
	if len(contents) == 0 {
		_, err := c.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
		return err
	}
	items, err := c.preupload(ctx, repo, hub.MainBranch, contents)
	if err != nil {
		return err
	}
	items, err = c.missing(ctx, items)
	if err != nil {
		return err
	}
	return c.store(ctx, repo, hub.MainBranch, items)
}

// missing returns the items that the branch does not hold. Of those that travel
// inside a commit the contents have been checked.
func (c *Client) missing(ctx context.Context, items []*item) ([]*item, error) {
	held := make([]bool, len(items))
	err := parallel(ctx, c.o.Parallel, items, func(ctx context.Context, i int) (err error) {
		it := items[i]
		if held[i], err = it.held(ctx); err != nil || held[i] || it.mode == modeLFS {
			return err
		}
		if it.Size > maxInline {
			return fmt.Errorf("%.200q: the hub wants its %d bytes inside the commit: %w", it.Path, it.Size, hub.ErrTooLarge)
		}
		return it.identify(ctx)
	})
	var left []*item
	for i, it := range items {
		if !held[i] {
			left = append(left, it)
		}
	}
	return left, err
}

// store sends the contents of items that are LFS objects, but for those that the
// hub has.
func (c *Client) store(ctx context.Context, repo, branch string, items []*item) error {
	objects, err := c.objects(repo, items)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(objects, maxBatch) {
		ask := make([]batchObject, len(some))
		for i, o := range some {
			ask[i] = o.batchObject
		}
		offers, err := c.batch(ctx, repo, branch, ask)
		if err != nil {
			return err
		}
		again := func(ctx context.Context, o *object) (*offer, error) {
			offers, err := c.batch(ctx, repo, branch, []batchObject{o.batchObject})
			return offers[o.OID], err
		}
		err = parallel(ctx, c.o.Parallel, some, func(ctx context.Context, i int) error {
			o := some[i]
			if err := c.storeObject(ctx, o, offers[o.OID], again); err != nil {
				return fmt.Errorf("%.200q: %w", o.source.Path, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// objects returns the different contents of items that are LFS objects.
func (c *Client) objects(repo string, items []*item) ([]*object, error) {
	t := &tally{report: c.o.Progress, now: Progress{Repo: repo}}
	var objects []*object
	bySum := make(map[string]*object)
	for _, it := range items {
		if it.mode != modeLFS {
			continue
		}
		if o := bySum[it.SHA256]; o != nil {
			if o.Size != it.Size {
				return nil, fmt.Errorf("%.200q and %.200q have one hash and %d and %d bytes: %w", o.source.Path, it.Path, o.Size, it.Size, hub.ErrCorrupt)
			}
			continue
		}
		o := &object{
			batchObject: batchObject{it.SHA256, it.Size}, source: it.Source, sample: it.sample,
			meter: &meter{tally: t, path: it.Path},
		}
		bySum[it.SHA256] = o
		objects = append(objects, o)
		t.now.Size += it.Size
		t.now.Objects++
	}
	return objects, nil
}

// storeObject sends one content as the hub offers; nil says that the hub has it.
// again asks for another offer.
func (c *Client) storeObject(ctx context.Context, o *object, of *offer, again func(context.Context, *object) (*offer, error)) error {
	if of != nil {
		if _, err := check(ctx, o.source, false); err != nil {
			return err
		}
		if err := c.sendObject(ctx, o, of, again); err != nil {
			return ofStorage(err)
		}
	}
	o.meter.settle(o.Size)
	c.samples.put(o.OID, o.sample)
	return nil
}

// sendObject sends one content and has the hub confirm it. An offer that is
// refused, as it has expired or what was sent is gone, is asked for again once.
func (c *Client) sendObject(ctx context.Context, o *object, of *offer, again func(context.Context, *object) (*offer, error)) error {
	content, err := o.source.Open()
	if err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = content.Close() }()
	o.content = content
	err = c.put(ctx, o, of)
	if isRefused(err) {
		o.meter.reset()
		if of, err = again(ctx, o); of == nil {
			return err // nil: the hub has it after all
		}
		err = c.put(ctx, o, of)
	}
	if err != nil {
		return err
	}
	return c.verify(ctx, o.batchObject, of.Verify)
}

// put sends one content. A source that cannot be read ends it at once with the
// source's error.
func (c *Client) put(ctx context.Context, o *object, of *offer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o.failed = cancel
	err := of.transfer.put(ctx, c, o, of.Upload)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// isRefused reports whether storage will not take what it was sent as it was
// sent, however often.
func isRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 &&
		e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooManyRequests
}

// storageError is a refusal of storage: its 403 and 404 say nothing about the
// repository, and another day it may take the same content.
type storageError struct{ err *Error }

func (e *storageError) Error() string             { return e.err.Error() }
func (e *storageError) Unwrap() error             { return hub.ErrUnavailable }
func (e *storageError) RetryAfter() time.Duration { return e.err.RetryAfter() }

func ofStorage(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return &storageError{e}
	}
	return err
}

// parallel calls do for each index of in, limit at once, until one fails, and
// returns that error.
func parallel[T any](ctx context.Context, limit int, in []T, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(limit, len(in)) {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range in {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
