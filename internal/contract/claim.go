package contract

import (
	"regexp"
	"strings"
)

// MaxRepo is the longest owner/repo that fits a claim, in bytes.
const MaxRepo = 87

// MaxField is the longest field of a claim, in bytes (Raw0..Raw128 on chain).
const MaxField = 128

var (
	repoRE   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	commitRE = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

const claimPrefix = "finest/1 "

// Claim is what a miner writes on chain: publication and claim log.
type Claim struct {
	Repo   string // owner/name
	Commit string // 40 hex digits
	// LogSHA256 is the hash of log.jsonl at that commit.
	LogSHA256 string
}

// Fields returns the two Raw fields of the commitment.
func (c Claim) Fields() [][]byte {
	return [][]byte{[]byte(c.Repo + "@" + c.Commit), []byte(claimPrefix + c.LogSHA256)}
}

// String returns the claim as people pass it on: owner/repo@commit.
func (c Claim) String() string { return c.Repo + "@" + c.Commit }

// ValidateRepo says why a repository name cannot stand in a claim.
func ValidateRepo(repo string) error {
	if len(repo) > MaxRepo {
		return invalid("repository name of %d bytes; a claim has room for %d", len(repo), MaxRepo)
	}
	if !repoRE.MatchString(repo) {
		return invalid("repository %.100q is not owner/name", repo)
	}
	return nil
}

// ParseClaim reads the fields of a commitment.
func ParseClaim(fields [][]byte) (Claim, error) {
	if len(fields) != 2 || len(fields[0]) > MaxField || len(fields[1]) > MaxField {
		return Claim{}, invalid("claim has %d fields", len(fields))
	}
	repo, commit, _ := strings.Cut(string(fields[0]), "@")
	sum, hasPrefix := strings.CutPrefix(string(fields[1]), claimPrefix)
	if err := ValidateRepo(repo); err != nil {
		return Claim{}, err
	}
	if !commitRE.MatchString(commit) {
		return Claim{}, invalid("claim commit %.60q", commit)
	}
	if !hasPrefix || !hex64.MatchString(sum) {
		return Claim{}, invalid("claim log hash %.80q", fields[1])
	}
	return Claim{Repo: repo, Commit: commit, LogSHA256: sum}, nil
}
