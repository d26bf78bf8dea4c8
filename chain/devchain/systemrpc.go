package devchain

import (
	"runtime/debug"

	"finest/chain/wallet"
)

// chainName is what the chain calls itself. Clients that look for the types of
// known chains by name find none under it and take those of the metadata.
const chainName = "Development"

// systemMethods are about the node.
var systemMethods = map[string]method{
	"system_accountNextIndex": accountNextIndex,
	"system_chain":            constant(chainName),
	"system_chainType":        constant("Development"),
	"system_name":             constant("finest devchain"),
	"system_version":          constant(version()),
	"system_nodeRoles":        constant([]string{"Authority"}),
	"system_peers":            constant([]string{}),
	"system_health":           constant(healthJSON{}),
	"system_properties":       constant(propertiesJSON{SS58Format: 42, TokenDecimals: 9, TokenSymbol: "TAO"}),
	"system_syncState":        syncState,
}

type healthJSON struct {
	Peers           int  `json:"peers"`
	IsSyncing       bool `json:"isSyncing"`
	ShouldHavePeers bool `json:"shouldHavePeers"`
}

type propertiesJSON struct {
	IsEthereum    bool   `json:"isEthereum"`
	SS58Format    int    `json:"ss58Format"`
	TokenDecimals int    `json:"tokenDecimals"`
	TokenSymbol   string `json:"tokenSymbol"`
}

func constant(v any) method { return func(*request) (any, error) { return v, nil } }

// version is that of the program.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// accountNextIndex answers with the nonce for the next extrinsic of an address,
// after those that wait in the pool.
func accountNextIndex(r *request) (any, error) {
	var address string
	if err := r.need(0, &address); err != nil {
		return nil, err
	}
	who, err := wallet.ParseAddress(address)
	if err != nil {
		return nil, invalidParams("%v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pool.nextNonce(who, nonce(r.head().state, who)), nil
}

func syncState(r *request) (any, error) {
	head := r.Head().Number
	return map[string]uint64{"startingBlock": 0, "currentBlock": head, "highestBlock": head}, nil
}

// devMethods are those of development chains.
var devMethods = map[string]method{
	"dev_newBlock":   newBlock,
	"dev_setStorage": setStorage,
}

// maxNewBlocks is the most blocks of one dev_newBlock.
const maxNewBlocks = 1000

// newBlock makes count blocks, one without, and answers with the hash of the
// newest.
func newBlock(r *request) (any, error) {
	p := struct {
		Count int `json:"count"`
	}{1}
	if _, err := r.param(0, &p); err != nil {
		return nil, err
	}
	if p.Count < 1 || p.Count > maxNewBlocks {
		return nil, invalidParams("%d blocks, from 1 to %d can be made", p.Count, maxNewBlocks)
	}
	r.Seal(p.Count)
	return r.made()
}

// made is the hash of the newest block, unless no block can be made any more.
func (r *request) made() (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return nil, internal(r.failed)
	}
	hash := r.head().hash
	return hexBytes(hash[:]), nil
}

// setStorage makes a block in which entries are set, or deleted where the value
// is null: [[key, value], …]. It answers with its hash.
func setStorage(r *request) (any, error) {
	var pairs [][]*hexParam
	if err := r.need(0, &pairs); err != nil {
		return nil, err
	}
	var changes []change
	for i, p := range pairs {
		if len(p) != 2 || p[0] == nil || len(*p[0]) > maxKeyBytes {
			return nil, invalidParams("entry %d is no pair of a key of at most %d bytes and a value", i+1, maxKeyBytes)
		}
		c := change{key: *p[0]}
		if p[1] != nil {
			c.value = append([]byte{}, *p[1]...)
		}
		changes = append(changes, c)
	}
	r.Edit(redo(changes))
	r.Seal(1)
	return r.made()
}
