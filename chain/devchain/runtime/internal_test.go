package runtime

import (
	"bytes"
	"testing"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// itemCheck says whether an item's codec writes and reads what metadata says of it.
type itemCheck struct {
	pallet, name string
	check        func(t *testing.T, s *metadata.StorageItem)
}

// holds checks an item with a value and with its default.
func holds[V any](i item[V], v V) itemCheck {
	l := i.at()
	return itemCheck{palletOf(l), l.Name, func(t *testing.T, s *metadata.StorageItem) {
		raw := i.append(nil, v)
		decoded, err := s.Decode(raw)
		if err != nil {
			t.Fatalf("decode %x: %v", raw, err)
		}
		if again, err := s.Encode(decoded); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("metadata encodes %v as %x, %v; the codec as %x", decoded, again, err, raw)
		}
		d := scale.NewDecoder(raw)
		if back := i.append(nil, i.read(d)); d.End() != nil || !bytes.Equal(back, raw) {
			t.Errorf("reads %x back as %x, %v", raw, back, d.Err())
		}
		if l.Optional {
			return
		}
		d = scale.NewDecoder(l.Default)
		if back := i.append(nil, i.read(d)); d.End() != nil || !bytes.Equal(back, l.Default) {
			t.Errorf("reads the default %x as %x, %v", l.Default, back, d.Err())
		}
	}}
}

func palletOf(l location) string {
	for _, p := range Metadata(V1).Pallets {
		sum := metadata.SumTwox128([]byte(p.Name))
		if bytes.HasPrefix(l.prefix, sum[:]) {
			return p.Name
		}
	}
	return ""
}

func TestCodecsAreThoseOfTheSchema(t *testing.T) {
	raw := []byte("bytes")
	checks := []itemCheck{
		holds(accountOf, accountInfo{nonce: 1, consumers: 2, providers: 3, sufficients: 4, free: 5, reserved: 6, frozen: 7, flags: [16]byte{15: 128}}),
		holds(blockNumber, 7), holds(blockHash, [32]byte{1}), holds(eventCount, 3), holds(lastUpgrade, upgrade{424, SpecName}),
		holds(timestampNow, 1), holds(sudoKey, Alice),
		holds(commitmentOf, registration{1, 2, []field{
			{}, {tag: tagRaw}, {tag: tagRaw + 3, body: []byte("abc")}, {tag: tagHash, body: make([]byte, 32)},
			{tag: tagTimelocked, body: raw, round: 9}, {tag: tagResetBonds}, {tag: tagBigRaw, body: raw},
		}}),
		holds(lastCommitment, 1), holds(lastBondsReset, 1), holds(revealedOf, []revealed{{raw, 4}}), holds(usedSpaceOf, usage{1, 2}),
		holds(timelockedIndex, []timelocked{{7, Alice}}), holds(maxSpace, 1),
		holds(beaconConfig, beaconInfo{raw, 1, 2, raw, raw, raw, raw}), holds(pulses, pulse{1, raw, raw}),
		holds(lastStoredRound, 1), holds(firstStoredRound, 1),
		holds(tempo, 1), holds(networksAdded, true), holds(mechanismCount, 2), holds(keys, Alice), holds(uids, 1),
		holds(lastUpdate, []uint64{1, 2}), holds(validatorPermit, []bool{true, false}), holds(incentive, []uint16{1}),
		holds(weightsOf, nil), holds(axons, axon{1, 2, [16]byte{1}, 3, 4, 5, 6, 7}), holds(prometheus, prometheusInfo{1, 2, [16]byte{1}, 3, 4}),
		holds(weightCommits, []weightCommit{{[32]byte{1}, 2, 3}}), holds(timelockedCommits, []timelockedCommit{{Alice, 1, raw, 2}}),
		holds(stakingHotkeys, nil), holds(totalHotkeyAlpha, 1), holds(networkRegistered, 1), holds(subnetOwner, Alice),
		holds(commitRevealVersion, 4), holds(commitRevealEnabled, true), holds(maxEpochsPerBlock, 2), holds(burn, 1),
	}
	for _, c := range checks {
		t.Run(c.pallet+"."+c.name, func(t *testing.T) {
			s, err := Metadata(V1).StorageItem(c.pallet, c.name)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, s)
		})
	}
}

// Keys are those that metadata makes.
func TestKeys(t *testing.T) {
	s, err := Metadata(V1).StorageItem("SubtensorModule", "Uids")
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Key(7, Alice)
	if err != nil {
		t.Fatal(err)
	}
	if got := uids.key(uint16(7), Alice); !bytes.Equal(got, want) {
		t.Errorf("key %x, want %x", got, want)
	}
}

// Every call of the metadata is dispatched, and no other.
func TestEveryCallIsDispatched(t *testing.T) {
	m := Metadata(V1)
	count := 0
	for _, p := range m.Pallets {
		if p.Calls == nil || p.Name == "Timestamp" { // whose call is the inherent
			continue
		}
		for _, v := range m.Types[*p.Calls].Variants {
			count++
			if _, ok := dispatchables[p.Name+"."+v.Name]; !ok {
				t.Errorf("%s.%s is not dispatched", p.Name, v.Name)
			}
		}
	}
	if count != len(dispatchables) {
		t.Errorf("%d calls in the metadata, %d dispatched", count, len(dispatchables))
	}
}
