package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// What ParseSignedHeaders refuses, for errors.Is; anything else that it refuses
// is an ill-formed header. All wrap ErrInvalid.
var (
	// ErrUnsigned: a header is not there.
	ErrUnsigned = fmt.Errorf("%w: not signed", ErrInvalid)
	// ErrTruncated: the signature is cut off.
	ErrTruncated = fmt.Errorf("%w: truncated signature", ErrInvalid)
	// ErrScheme: the signature is of another scheme than sr25519.
	ErrScheme = fmt.Errorf("%w: not an sr25519 signature", ErrInvalid)
)

// HeaderClient names the version of the client's side of the API, a number, so
// that a server can tell an outdated client that it is.
const HeaderClient = "Finest-Client"

// ClientVersion is the version of this module's client.
const ClientVersion = 1

var (
	uuidRE      = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	timestampRE = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)
	lowerHexRE  = regexp.MustCompile(`^[0-9a-f]+$`)
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
	values := make(map[string]string, 6)
	for _, name := range []string{HeaderVersion, HeaderTimestamp, HeaderUUID, HeaderSignedBy, HeaderSignedFor, HeaderSignature} {
		list := header[name]
		switch {
		case len(list) == 0:
			return SignedHeaders{}, fmt.Errorf("%w: header %s is missing", ErrUnsigned, name)
		case len(list) > 1 || len(list[0]) > 256:
			return SignedHeaders{}, invalid("header %s is there %d times or too long", name, len(list))
		}
		values[name] = list[0]
	}
	h := SignedHeaders{UUID: values[HeaderUUID], SignedBy: values[HeaderSignedBy], SignedFor: values[HeaderSignedFor]}
	switch stamp := values[HeaderTimestamp]; {
	case values[HeaderVersion] != SignatureVersion:
		return SignedHeaders{}, invalid("%s %.20q, not %q", HeaderVersion, values[HeaderVersion], SignatureVersion)
	case !timestampRE.MatchString(stamp):
		return SignedHeaders{}, invalid("%s %.40q is not milliseconds of Unix time", HeaderTimestamp, stamp)
	case !uuidRE.MatchString(h.UUID):
		return SignedHeaders{}, invalid("%s %.60q is not a lower-case UUID", HeaderUUID, h.UUID)
	case !hotkeyRE.MatchString(h.SignedBy):
		return SignedHeaders{}, invalid("%s %.80q is not an address", HeaderSignedBy, h.SignedBy)
	case !hotkeyRE.MatchString(h.SignedFor):
		return SignedHeaders{}, invalid("%s %.80q is not an address", HeaderSignedFor, h.SignedFor)
	}
	var err error
	if h.Timestamp, err = strconv.ParseInt(values[HeaderTimestamp], 10, 64); err != nil {
		return SignedHeaders{}, invalid("%s: %v", HeaderTimestamp, err)
	}
	if h.Signature, err = parseSignature(values[HeaderSignature]); err != nil {
		return SignedHeaders{}, err
	}
	return h, nil
}

// signatureMark is set in the last byte of every sr25519 signature, so that none
// passes for one of ed25519 (schnorrkel 0.1.1 and later, Signature::to_bytes).
const signatureMark = 0x80

// parseSignature reads 0x and 128 lower-case hex digits.
func parseSignature(text string) (signature [64]byte, err error) {
	digits, hasPrefix := strings.CutPrefix(text, "0x")
	switch {
	case !hasPrefix || !lowerHexRE.MatchString(digits):
		return signature, invalid("%s is not 0x and 128 lower-case hex digits", HeaderSignature)
	case len(digits) < 2*len(signature):
		return signature, fmt.Errorf("%w: %d hex digits, not %d", ErrTruncated, len(digits), 2*len(signature))
	case len(digits) == 2*len(signature)+2: // ECDSA adds a byte that tells the key
		return signature, ErrScheme
	case len(digits) > 2*len(signature):
		return signature, invalid("%s has %d hex digits, not %d", HeaderSignature, len(digits), 2*len(signature))
	}
	if _, err := hex.Decode(signature[:], []byte(digits)); err != nil {
		return signature, invalid("%s: %v", HeaderSignature, err)
	}
	if signature[len(signature)-1]&signatureMark == 0 {
		return signature, ErrScheme
	}
	return signature, nil
}
