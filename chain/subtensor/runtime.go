package subtensor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// runtime is one version of the runtime.
type runtime struct {
	Meta            *metadata.Metadata
	Spec, TxVersion uint32
}

// version of the runtime that executes the block after another.
type version struct {
	Spec uint32 `json:"specVersion"`
	Tx   uint32 `json:"transactionVersion"`
}

// versionAt asks for the version in the state after a block.
func (c *Client) versionAt(ctx context.Context, at chain.Block) (version, error) {
	if v, ok := c.versions.get(at.Hash); ok {
		return v, nil
	}
	var v version
	if err := c.callAt(ctx, at, &v, "state_getRuntimeVersion", wire(at.Hash)); err != nil {
		return v, fmt.Errorf("read runtime version: %w", err)
	}
	c.versions.put(at.Hash, v)
	return v, nil
}

// runtimeAt is the runtime that executes the block after at: the one to sign
// for, and the one whose runtime APIs answer at that block.
func (c *Client) runtimeAt(ctx context.Context, at chain.Hash) (*runtime, error) {
	return c.runtimeOf(ctx, chain.Block{Number: unknownNumber, Hash: at})
}

// layoutAt is the runtime that executed block at, which the state and the events
// of that block are encoded by: a block that upgrades the runtime still was the
// old one's. A block that is not on the chain is chain.ErrUnknownBlock.
func (c *Client) layoutAt(ctx context.Context, at chain.Block) (*runtime, error) {
	if err := c.onChain(ctx, at); err != nil {
		return nil, err
	}
	if at.Number == 0 {
		return c.runtimeOf(ctx, at)
	}
	h, err := c.headerOf(ctx, at.Hash)
	if err != nil {
		return nil, err
	}
	r, err := c.runtimeOf(ctx, chain.Block{Number: at.Number - 1, Hash: chain.Hash(h.Parent)})
	if errors.Is(err, chain.ErrUnknownBlock) {
		// The oldest block whose state is kept has a parent without.
		return c.runtimeOf(ctx, at)
	}
	return r, err
}

// runtimeOf is the runtime in the state after a block. Metadata is fetched once
// for each version.
func (c *Client) runtimeOf(ctx context.Context, at chain.Block) (*runtime, error) {
	v, err := c.versionAt(ctx, at)
	if err != nil {
		return nil, err
	}
	if r, ok := c.runtimes.get(v.Spec); ok {
		return r, nil
	}
	select {
	case c.fetching <- struct{}{}:
		defer func() { <-c.fetching }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r, ok := c.runtimes.get(v.Spec); ok {
		return r, nil
	}
	m, err := c.metadataAt(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("read metadata of runtime %d: %w", v.Spec, err)
	}
	r := &runtime{Meta: m, Spec: v.Spec, TxVersion: v.Tx}
	c.runtimes.put(v.Spec, r)
	c.o.Log.Info().Uint32("spec", v.Spec).Int("metadata", m.Version).Msg("runtime read")
	return r, nil
}

// metadataAt fetches the newest form of metadata that the runtime and we know:
// runtime APIs are told of from V15 on.
func (c *Client) metadataAt(ctx context.Context, at chain.Block) (*metadata.Metadata, error) {
	for _, form := range []uint32{16, 15} {
		m, err := c.metadataIn(ctx, at, form)
		if m != nil {
			return m, nil
		}
		if errors.Is(err, chain.ErrUnavailable) || errors.Is(err, chain.ErrUnknownBlock) || ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			c.o.Log.Debug().Uint32("form", form).Err(err).Msg("metadata not had in this form")
		}
	}
	var raw hexBytes
	if err := c.callAt(ctx, at, &raw, "state_getMetadata", wire(at.Hash)); err != nil {
		return nil, err
	}
	return metadata.Decode(raw)
}

// metadataIn asks for one form; nil if the runtime does not have it.
func (c *Client) metadataIn(ctx context.Context, at chain.Block, form uint32) (*metadata.Metadata, error) {
	var raw hexBytes
	args := hexBytes(binary.LittleEndian.AppendUint32(nil, form))
	if err := c.callAt(ctx, at, &raw, "state_call", "Metadata_metadata_at_version", args, wire(at.Hash)); err != nil {
		return nil, err
	}
	d := scale.NewDecoder(raw) // Option<OpaqueMetadata>
	if !d.Bool() {
		return nil, d.End()
	}
	b := d.Bytes()
	if err := d.End(); err != nil {
		return nil, err
	}
	return metadata.Decode(b)
}

// apiCall calls a runtime API on the state after block at.
func (c *Client) apiCall(ctx context.Context, at chain.Block, trait, method string, args metadata.Args) (any, error) {
	if err := c.onChain(ctx, at); err != nil {
		return nil, err
	}
	r, err := c.runtimeOf(ctx, at)
	if err != nil {
		return nil, err
	}
	api, err := r.Meta.APIMethod(trait, method)
	if err != nil {
		return nil, err
	}
	in, err := api.Encode(args)
	if err != nil {
		return nil, err
	}
	var raw hexBytes
	if err := c.callAt(ctx, at, &raw, "state_call", api.StateCall(), hexBytes(in), wire(at.Hash)); err != nil {
		return nil, fmt.Errorf("call %s: %w", api.StateCall(), err)
	}
	v, err := api.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("decode result of %s: %w", api.StateCall(), err)
	}
	return v, nil
}
