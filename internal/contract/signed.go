package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// SignatureVersion is the version of Epistula that requests are signed with.
const SignatureVersion = "2"

// Header names of Epistula v2, in the canonical form of net/http.
const (
	HeaderVersion   = "Epistula-Version"
	HeaderTimestamp = "Epistula-Timestamp"
	HeaderUUID      = "Epistula-Uuid"
	HeaderSignedBy  = "Epistula-Signed-By"
	HeaderSignedFor = "Epistula-Signed-For"
	HeaderSignature = "Epistula-Request-Signature"
)

var (
	uuidRE      = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	timestampRE = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)
)

// SignedHeaders are the Epistula v2 headers of a request. Who signed, for whom
// and when is in them; what was signed is the body.
type SignedHeaders struct {
	// Timestamp is when the request was signed, in milliseconds of Unix time.
	Timestamp int64
	// UUID is used once.
	UUID string
	// SignedBy is the hotkey of the sender, SignedFor that of the receiver.
	SignedBy, SignedFor string
	Signature           [64]byte
}

// SignRequest signs body for one receiver; uuid must be fresh. sign is sr25519
// in the context "substrate".
func SignRequest(body []byte, at time.Time, uuid, signedBy, signedFor string, sign func(message []byte) ([64]byte, error)) (SignedHeaders, error) {
	h := SignedHeaders{Timestamp: at.UnixMilli(), UUID: uuid, SignedBy: signedBy, SignedFor: signedFor}
	signature, err := sign(h.Message(body))
	if err != nil {
		return SignedHeaders{}, err
	}
	h.Signature = signature
	return h, nil
}

// Message returns the bytes that are signed: the SHA-256 of the body in hex,
// UUID, timestamp and receiver, joined by full stops. The HTTP method and path
// are not among them, which is why every body names its operation.
func (h SignedHeaders) Message(body []byte) []byte {
	sum := sha256.Sum256(body)
	return []byte(hex.EncodeToString(sum[:]) + "." + h.UUID + "." + strconv.FormatInt(h.Timestamp, 10) + "." + h.SignedFor)
}

// Time returns when the request was signed.
func (h SignedHeaders) Time() time.Time { return time.UnixMilli(h.Timestamp) }

// Values returns the headers by name.
func (h SignedHeaders) Values() map[string]string {
	return map[string]string{
		HeaderVersion:   SignatureVersion,
		HeaderTimestamp: strconv.FormatInt(h.Timestamp, 10),
		HeaderUUID:      h.UUID,
		HeaderSignedBy:  h.SignedBy,
		HeaderSignedFor: h.SignedFor,
		HeaderSignature: "0x" + hex.EncodeToString(h.Signature[:]),
	}
}

// ParseSignedHeaders reads the headers of a request, an http.Header. Every one
// must be there exactly once, in its one spelling; the receiver, which Epistula
// leaves optional, too. It checks no signature.
func ParseSignedHeaders(header map[string][]string) (SignedHeaders, error) {
	var failure error
	value := func(name string) string {
		values := header[name]
		if len(values) == 1 && len(values[0]) <= 256 {
			return values[0]
		}
		if failure == nil {
			failure = invalid("header %s is there %d times or too long", name, len(values))
		}
		return ""
	}
	version, stamp, uuid := value(HeaderVersion), value(HeaderTimestamp), value(HeaderUUID)
	by, to, signature := value(HeaderSignedBy), value(HeaderSignedFor), value(HeaderSignature)
	digits, hasPrefix := strings.CutPrefix(signature, "0x")
	switch {
	case failure != nil:
		return SignedHeaders{}, failure
	case version != SignatureVersion:
		return SignedHeaders{}, invalid("%s %.20q, not %q", HeaderVersion, version, SignatureVersion)
	case !timestampRE.MatchString(stamp):
		return SignedHeaders{}, invalid("%s %.40q is not milliseconds of Unix time", HeaderTimestamp, stamp)
	case !uuidRE.MatchString(uuid):
		return SignedHeaders{}, invalid("%s %.60q is not a lower-case UUID", HeaderUUID, uuid)
	case !hotkeyRE.MatchString(by):
		return SignedHeaders{}, invalid("%s %.80q is not an address", HeaderSignedBy, by)
	case !hotkeyRE.MatchString(to):
		return SignedHeaders{}, invalid("%s %.80q is not an address", HeaderSignedFor, to)
	case !hasPrefix || !hex128.MatchString(digits):
		return SignedHeaders{}, invalid("%s is not 0x and 128 lower-case hex digits", HeaderSignature)
	}
	h := SignedHeaders{UUID: uuid, SignedBy: by, SignedFor: to}
	if _, err := hex.Decode(h.Signature[:], []byte(digits)); err != nil {
		return SignedHeaders{}, invalid("%s: %v", HeaderSignature, err)
	}
	var err error
	if h.Timestamp, err = strconv.ParseInt(stamp, 10, 64); err != nil {
		return SignedHeaders{}, invalid("%s: %v", HeaderTimestamp, err)
	}
	return h, nil
}
