package main

import (
	"context"
	"errors"
	"fmt"

	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/chain/wallet"
)

// world is a chain on loopback with the hotkeys that send requests.
type world struct {
	node     *devchain.Node
	endpoint string
	hotkeys  []*wallet.Hotkey
}

func newWorld(ctx context.Context, o options) (*world, error) {
	w := &world{}
	var neurons []runtime.Neuron
	for i := range o.hotkeys {
		key, err := wallet.FromURI(fmt.Sprintf("//Load//%d", i))
		if err != nil {
			return nil, err
		}
		w.hotkeys = append(w.hotkeys, key)
		neurons = append(neurons, runtime.Neuron{Hotkey: key.PublicKey()})
	}
	owner, err := wallet.FromURI(serverURI)
	if err != nil {
		return nil, err
	}
	w.node, err = devchain.New(devchain.Options{
		Genesis: runtime.Config{
			BlockTime: o.blockTime,
			Subnets:   []runtime.Subnet{{Netuid: netuid, Owner: owner.PublicKey(), Neurons: neurons}},
		},
		Seal: devchain.Every(o.blockTime), FinalityLag: 1, Keep: 256,
	})
	if err != nil {
		return nil, err
	}
	if w.endpoint, err = w.node.Listen(ctx, loopback); err != nil {
		return nil, errors.Join(err, w.node.Close())
	}
	return w, nil
}

// final is the number of the newest final block.
func (w *world) final() uint64 { return w.node.Finalized().Number }
