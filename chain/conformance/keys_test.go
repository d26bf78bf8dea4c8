package conformance

import (
	"testing"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/wallet"
)

// Group 13: a key from a key file signs what the node takes. That files of the
// Python package are read, and ours by it, chain/wallet/interop shows; the vector of
// $NACL is in the tests of package wallet.
func testKeyFiles(t *testing.T, n *node, _ subnet) {
	folder := t.TempDir()
	made, err := wallet.Create(folder, "conformance", "default")
	if err != nil {
		t.Fatal(err)
	}
	read, err := wallet.Load(folder, "conformance", "default")
	if err != nil || read.Address() != made.Address() {
		t.Fatalf("read %v, %v; want %v", read, err, made)
	}
	n.endow(t, read)
	n.do(t, read, "System", "remark", metadata.Args{"remark": []byte("from a key file")})
}

// Group 14: signatures of polkadot.js hold here, and ours there: the node checks
// them with the same code.
func testSignatures(t *testing.T, n *node, _ subnet) {
	const alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	if n.alice.Address() != alice {
		t.Errorf("//Alice is %s, want %s", n.alice.Address(), alice)
	}
	// From the tests of @polkadot/wasm-crypto, sr25519.
	key := chain.PublicKey(unhex(t, "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a"))
	signature := [64]byte(unhex(t, "4e172314444b8f820bb54c22e95076f220ed25373e5c178234aa6c211d29271244b947e3ff3418ff6b45fd1df1140c8cbff69fc58ee6dc96df70936a2bb74b82"))
	if !wallet.Verify(key, []byte("this is a message"), signature) {
		t.Error("a signature of polkadot.js does not hold")
	}
	if wallet.Verify(key, []byte("this is another message"), signature) {
		t.Error("a signature of polkadot.js holds for another message")
	}
	// A payload of more than 256 bytes is signed by its hash.
	for _, size := range []int{1, 1000} {
		n.do(t, n.alice, "System", "remark", metadata.Args{"remark": make([]byte, size)})
	}
}
