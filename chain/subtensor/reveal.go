package subtensor

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
	"finest/chain/timelock"
)

const (
	// timelockVersion is the form of committed weights that this package writes.
	timelockVersion = 4
	// revealMargin is how many blocks after the first one that reveals weights
	// their round is out (SECURITY_BLOCK_OFFSET of bittensor-drand); the chain
	// tries again in each block of the epoch.
	revealMargin = 3
)

// timelockedCall is the call that commits weights that the chain reveals by
// itself.
func (c *Client) timelockedCall(ctx context.Context, m *metadata.Metadata, t setting, f Facts, head chain.Block, weights []chain.Weight) (string, metadata.Args, error) {
	call, args, err := t.choose(m, "commit_timelocked_mechanism_weights", "commit_timelocked_weights",
		metadata.Args{"netuid": t.netuid, "mecid": t.mechanism})
	if err != nil {
		return "", nil, fmt.Errorf("subnet %d takes committed weights only: %w", t.netuid, err)
	}
	values, err := c.readItems(ctx, head, item{subtensorPallet, "CommitRevealWeightsVersion", nil, uint64(timelockVersion)},
		item{pallet: "Timestamp", name: "Now"}, item{pallet: "Drand", name: "BeaconConfig"})
	if err != nil {
		return "", nil, err
	}
	r := &reader{values: values}
	version := next[uint64](r, "CommitRevealWeightsVersion")
	now := time.UnixMilli(int64(next[uint64](r, "Now")))
	beacon := beaconOf(r, next[metadata.Record](r, "BeaconConfig"))
	if r.err != nil {
		return "", nil, r.err
	}
	if version != timelockVersion {
		return "", nil, &RefusedError{Name: subtensorPallet + ".IncorrectCommitRevealVersion",
			Detail: fmt.Sprintf("the chain takes version %d, version %d is known", version, timelockVersion), Err: chain.ErrRejected}
	}
	block, err := c.revealBlock(ctx, m, f.Subnet, head)
	if err != nil {
		return "", nil, err
	}
	blocks := time.Duration(block + revealMargin - head.Number)
	// The round before the one that is out then, as other clients choose it.
	round := max(beacon.RoundAt(now.Add(blocks*blockTime(m)-beacon.Period)), 1)
	commit, err := timelock.Encrypt(beacon, round, timelockPayload(t.by.PublicKey(), weights, t.versionKey), rand.Reader)
	if err != nil {
		return "", nil, err
	}
	args["commit"], args["reveal_round"], args["commit_reveal_version"] = commit, round, version
	return call, args, nil
}

// timelockPayload is what a timelocked commitment encrypts
// (WeightsTlockPayload of subtensor).
func timelockPayload(hotkey chain.PublicKey, weights []chain.Weight, versionKey uint64) []byte {
	uids, values := columns(weights)
	b := scale.AppendBytes(nil, hotkey[:])
	b = appendU16s(appendU16s(b, uids), values)
	return binary.LittleEndian.AppendUint64(b, versionKey)
}

func appendU16s(b []byte, values []uint16) []byte {
	b = scale.AppendCompact(b, uint64(len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

// beaconOf takes the beacon out of Drand.BeaconConfig.
func beaconOf(r *reader, config metadata.Record) timelock.Scheme {
	r.values = append(r.values, config.Get("public_key"), config.Get("genesis_time"), config.Get("period"))
	var s timelock.Scheme
	if key := next[[]byte](r, "public_key"); r.err == nil && copy(s.PublicKey[:], key) != len(key) {
		r.err = fmt.Errorf("public key of the beacon has %d bytes, want %d", len(key), len(s.PublicKey))
	}
	s.Genesis = time.Unix(int64(next[uint64](r, "genesis_time")), 0)
	s.Period = time.Duration(next[uint64](r, "period")) * time.Second
	return s
}

// blockTime is the time between two blocks.
func blockTime(m *metadata.Metadata) time.Duration {
	const usual = 12 * time.Second
	for _, c := range []struct {
		pallet, name string
		times        uint64
	}{{"Aura", "SlotDuration", 1}, {"Timestamp", "MinimumPeriod", 2}} {
		if v, err := m.ConstantValue(c.pallet, c.name); err == nil {
			if ms, ok := v.(uint64); ok && ms > 0 {
				return time.Duration(ms*c.times) * time.Millisecond
			}
		}
	}
	return usual
}

// revealBlock is the first block in which the chain reveals weights that are
// committed in the block after head.
func (c *Client) revealBlock(ctx context.Context, m *metadata.Metadata, s chain.Subnet, head chain.Block) (uint64, error) {
	commit := head.Number + 1
	if _, err := m.StorageItem(subtensorPallet, "LastEpochBlock"); missing(err) {
		return modularReveal(s, commit), nil
	}
	v, err := c.apiCall(ctx, head, "SubnetInfoRuntimeApi", "get_next_epoch_start_block", metadata.Args{"netuid": s.Netuid})
	if missing(err) {
		return modularReveal(s, commit), nil
	}
	if err != nil {
		return 0, err
	}
	if v == nil {
		return 0, fmt.Errorf("subnet %d has no epochs, so weights would never be revealed: %w", s.Netuid, chain.ErrRejected)
	}
	start, err := as[uint64](v, "get_next_epoch_start_block")
	return scheduledReveal(s, start, commit), err
}

// scheduledReveal is the first block of the epoch that reveals what is committed
// in block commit, where the next epoch starts in block start. A commit in the
// first block of an epoch is one of that epoch.
func scheduledReveal(s chain.Subnet, start, commit uint64) uint64 {
	if start <= commit {
		start = commit + s.Tempo
	}
	return start + (max(s.RevealPeriod, 1)-1)*s.Tempo
}

// modularReveal is the same in runtimes whose epochs are counted from block 0,
// one block longer than the tempo and shifted by the number of the subnet.
func modularReveal(s chain.Subnet, commit uint64) uint64 {
	shift, length := uint64(s.Netuid)+1, s.Tempo+1
	epoch := (commit + shift) / length
	return (epoch+max(s.RevealPeriod, 1))*length - shift
}
