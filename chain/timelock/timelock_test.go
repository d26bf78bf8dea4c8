package timelock_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"finest/chain/timelock"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Round 1000 of quicknet, as every drand relay gives it.
const (
	quicknetRound      = 1000
	quicknetSignature  = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
	quicknetRandomness = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
)

func quicknetPulse(t testing.TB) (sig timelock.Signature) {
	t.Helper()
	copy(sig[:], unhex(t, quicknetSignature))
	return sig
}

func TestQuicknet(t *testing.T) {
	sig := quicknetPulse(t)
	if got := sha256.Sum256(sig[:]); hex.EncodeToString(got[:]) != quicknetRandomness {
		t.Fatalf("randomness of the pulse is %x", got)
	}
	if err := timelock.Quicknet().Verify(quicknetRound, sig); err != nil {
		t.Error(err)
	}
	if err := timelock.Quicknet().Verify(quicknetRound+1, sig); !errors.Is(err, timelock.ErrSignature) {
		t.Errorf("signature of another round: error %v", err)
	}
	text := []byte("nobody could read this before round 1000")
	c, err := timelock.Encrypt(timelock.Quicknet(), quicknetRound, text, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := timelock.Decrypt(c, sig); err != nil || !bytes.Equal(got, text) {
		t.Errorf("decrypted %q, error %v", got, err)
	}
}

func TestRounds(t *testing.T) {
	s := timelock.Scheme{Genesis: time.Unix(1000, 0), Period: 3 * time.Second}
	for _, c := range []struct {
		at   time.Duration
		want uint64
	}{{-time.Nanosecond, 0}, {0, 1}, {3*time.Second - 1, 1}, {3 * time.Second, 2}, {time.Hour, 1201}} {
		if got := s.RoundAt(s.Genesis.Add(c.at)); got != c.want {
			t.Errorf("%v after genesis round %d is out, want %d", c.at, got, c.want)
		}
	}
	for _, round := range []uint64{1, 2, 1201} {
		if got := s.RoundAt(s.Time(round)); got != round {
			t.Errorf("when round %d is out the newest is %d", round, got)
		}
	}
	if got := (timelock.Scheme{}).RoundAt(time.Unix(1, 0)); got != 0 {
		t.Errorf("a beacon without period has round %d", got)
	}
}

func beacon() (timelock.Scheme, *timelock.Secret) {
	key := timelock.NewSecret([]byte("a beacon of our own"))
	return timelock.Scheme{PublicKey: key.PublicKey(), Genesis: time.Unix(0, 0), Period: time.Second}, key
}

func sign(t testing.TB, key *timelock.Secret, round uint64) timelock.Signature {
	t.Helper()
	sig, err := key.Sign(round)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestOwnBeacon(t *testing.T) {
	s, key := beacon()
	if again := timelock.NewSecret([]byte("a beacon of our own")).PublicKey(); again != s.PublicKey {
		t.Error("the same seed gives another key")
	}
	if other := timelock.NewSecret([]byte("another")).PublicKey(); other == s.PublicKey {
		t.Error("another seed gives the same key")
	}
	sig := sign(t, key, 7)
	if err := s.Verify(7, sig); err != nil {
		t.Error(err)
	}
	if err := s.Verify(8, sig); !errors.Is(err, timelock.ErrSignature) {
		t.Errorf("signature of round 7 for round 8: error %v", err)
	}
	if err := timelock.Quicknet().Verify(7, sig); !errors.Is(err, timelock.ErrSignature) {
		t.Errorf("our signature for quicknet: error %v", err)
	}
	for _, n := range []int{0, 1, 100, 4756, timelock.MaxCiphertext - timelock.Overhead} {
		text := bytes.Repeat([]byte{0xa5}, n)
		c, err := timelock.Encrypt(s, 7, text, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if len(c) != n+timelock.Overhead {
			t.Errorf("%d bytes became %d, want %d more", n, len(c), timelock.Overhead)
		}
		if got, err := timelock.Decrypt(c, sig); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: decrypted %d, error %v", n, len(got), err)
		}
		if _, err := timelock.Decrypt(c, sign(t, key, 8)); !errors.Is(err, timelock.ErrCiphertext) {
			t.Errorf("%d bytes with the signature of another round: error %v", n, err)
		}
	}
	if _, err := timelock.Encrypt(s, 7, make([]byte, timelock.MaxCiphertext), rand.Reader); err == nil {
		t.Error("more than fits was encrypted")
	}
}

// Any changed byte is noticed.
func TestTampering(t *testing.T) {
	s, key := beacon()
	sig := sign(t, key, 3)
	c, err := timelock.Encrypt(s, 3, []byte("text"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c {
		changed := bytes.Clone(c)
		changed[i] ^= 1
		if got, err := timelock.Decrypt(changed, sig); !errors.Is(err, timelock.ErrCiphertext) {
			t.Errorf("byte %d changed: decrypted %q, error %v", i, got, err)
		}
	}
	for n := range c {
		if _, err := timelock.Decrypt(c[:n], sig); !errors.Is(err, timelock.ErrCiphertext) {
			t.Errorf("cut to %d bytes: error %v", n, err)
		}
	}
	if _, err := timelock.Decrypt(append(bytes.Clone(c), 0), sig); !errors.Is(err, timelock.ErrCiphertext) {
		t.Errorf("one byte more: error %v", err)
	}
}

func TestBadPoints(t *testing.T) {
	s, key := beacon()
	sig := sign(t, key, 3)
	c, err := timelock.Encrypt(s, 3, []byte("text"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const infinity = 0xc0 // compressed, at infinity
	neutral := append([]byte{infinity}, make([]byte, 95)...)
	if _, err := timelock.Decrypt(append(neutral, c[96:]...), sig); !errors.Is(err, timelock.ErrCiphertext) {
		t.Errorf("U at infinity: error %v", err)
	}
	if _, err := timelock.Decrypt(c, timelock.Signature{infinity}); err == nil {
		t.Error("a signature at infinity decrypts")
	}
	if _, err := timelock.Decrypt(c, timelock.Signature{}); err == nil {
		t.Error("zeros are taken for a signature")
	}
	for name, k := range map[string]timelock.PublicKey{"infinity": {infinity}, "zeros": {}} {
		if _, err := timelock.Encrypt(timelock.Scheme{PublicKey: k}, 3, nil, rand.Reader); err == nil {
			t.Errorf("encrypted to a key of %s", name)
		}
		if err := (timelock.Scheme{PublicKey: k}).Verify(3, sig); err == nil {
			t.Errorf("verified with a key of %s", name)
		}
	}
	// x = 4 is on the curve of G1 and not in the subgroup.
	if err := s.Verify(3, timelock.Signature{0: 0x80, 47: 4}); err == nil || errors.Is(err, timelock.ErrSignature) {
		t.Errorf("a point outside the subgroup is compared: error %v", err)
	}
}

func TestShortRandomness(t *testing.T) {
	s, _ := beacon()
	if _, err := timelock.Encrypt(s, 1, nil, bytes.NewReader(make([]byte, 75))); err == nil {
		t.Error("encrypted with 75 random bytes")
	}
}

func FuzzDecrypt(f *testing.F) {
	s, key := beacon()
	sig := sign(f, key, 5)
	c, err := timelock.Encrypt(s, 5, []byte("seed"), bytes.NewReader(make([]byte, 76)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c)
	f.Add(c[:100])
	f.Add(bytes.Repeat([]byte{0xff}, timelock.Overhead))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := timelock.Decrypt(b, sig)
		if err == nil && len(text)+timelock.Overhead != len(b) {
			t.Errorf("%d bytes decrypt to %d", len(b), len(text))
		}
	})
}

// What another implementation, PyPI bittensor-drand 2.0.0, encrypted to round
// 1000 of quicknet (encrypt_at_round, without the length before it and the round
// after it that it adds).
const pythonCiphertext = "98323ef7f25e1b2780019895bcadea3caa711734132dc4dc85aa393c65c68fced137f21e2148d48cc2f45f6031dcaa76" +
	"03a14bd393c9b7ce55e1edfb6d63c603d121445aa4da11cfb34b75226a6998b74c8b704b7e54b620c96f76c15a9c877620000000000000004188fab50039249216c878b0b7319fd39a1f43d9ea836a3906685224704610152000000000000000" +
	"de225e8b976d974d5e8b22085c1be257f16438c2faf6d44662e7f4ede07ad0d83d000000000000002100000000000000009cdc0cb9126f9127e673165af56544527d066ff0c42c8e5a0c0e58d85d5ef97c0c00000000000000f3dbc6eab39d56fb" +
	"fa2a3d5808000000000000004145535f47434d5f"

func TestDecryptFromPython(t *testing.T) {
	got, err := timelock.Decrypt(unhex(t, pythonCiphertext), quicknetPulse(t))
	if err != nil || string(got) != "hello from python" {
		t.Errorf("decrypted %q, error %v", got, err)
	}
}
