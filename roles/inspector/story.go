package inspector

import (
	"finest/eval"
	"finest/internal/contract"
)

// Story is one claim, end to end. Its JSON is stable.
type Story struct {
	Target string `json:"target"`
	Netuid uint16 `json:"netuid"`
	// Block is the final block that the chain was read at; claims were followed
	// from FromBlock on.
	Block     uint64 `json:"block"`
	FromBlock uint64 `json:"from_block"`
	// Outcome is that of the claim and of every task looked into; Problem is one
	// sentence that says what is wrong, or why it cannot be told.
	Outcome eval.Outcome `json:"outcome"`
	Problem string       `json:"problem,omitempty"`
	Miner   Miner        `json:"miner"`
	Claim   Claim        `json:"claim"`
	// Claims of the hotkey since FromBlock, and the one before, oldest first.
	Claims []Claim `json:"claims"`
	// Tasks of the claim's log in its order; Earlier is the number of those
	// before them that were left out.
	Tasks   []Task `json:"tasks"`
	Earlier int    `json:"earlier_tasks"`
	// Notes say what limits the story.
	Notes []string `json:"notes,omitempty"`
}

// Miner is who made the claim.
type Miner struct {
	Hotkey string `json:"hotkey"`
	// UID is −1 if the hotkey is not registered any more; then RegisteredAt is 0.
	UID          int    `json:"uid"`
	RegisteredAt uint64 `json:"registered_at"`
}

// Claim is what the miner wrote on chain.
type Claim struct {
	Block     uint64 `json:"block"`
	Repo      string `json:"repo"`
	Commit    string `json:"commit"`
	LogSHA256 string `json:"log_sha256"`
	// State is one of the states of package submission; Reason explains it.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// LogBytes is the length of a valid claim's log.
	LogBytes int `json:"log_bytes"`
}

// Task is one line of the claim log with everything behind it.
type Task struct {
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	Manifest   string `json:"manifest"`
	// Block is that of the first claim seen whose log holds the task; if it is
	// not certain, an earlier claim may hold it too.
	Block        uint64 `json:"block"`
	BlockCertain bool   `json:"block_certain"`

	Outcome eval.Outcome `json:"outcome"`
	Fault   eval.Fault   `json:"fault,omitempty"`
	Reason  string       `json:"reason"`
	// Problem is set for a rejected task.
	Problem *Problem     `json:"problem,omitempty"`
	Checks  []eval.Check `json:"checks"`

	// What follows is known once there is a manifest.
	Publication string           `json:"publication,omitempty"`
	Recipe      string           `json:"recipe,omitempty"`
	Receipt     *Receipt         `json:"receipt,omitempty"`
	Slice       *Slice           `json:"slice,omitempty"`
	Records     int64            `json:"records"`
	Pages       int64            `json:"pages"`
	Kept        int64            `json:"kept"`
	Funnel      []contract.Count `json:"funnel,omitempty"`
	// Elapsed and ReferenceTime are blocks, Work is compressed bytes of WARC.
	Elapsed       uint64  `json:"elapsed"`
	ReferenceTime uint64  `json:"reference_time"`
	Timeliness    float64 `json:"timeliness"`
	Work          int64   `json:"work"`
}

// Problem is what is wrong with a rejected task.
type Problem struct {
	// Sentence says it to a person.
	Sentence string `json:"sentence"`
	Check    string `json:"check"`
	// File is the path of the WARC file, From and To the bytes of it, URL the
	// page; empty and 0 where the problem is of no file, no bytes or no page.
	File string `json:"file,omitempty"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
	URL  string `json:"url,omitempty"`
}

// Receipt is the lease as the task server signed it.
type Receipt struct {
	Server        string               `json:"server"`
	Block         uint64               `json:"block"`
	DeadlineBlock uint64               `json:"deadline_block"`
	RecipeHash    string               `json:"recipe_hash"`
	Files         []contract.InputFile `json:"files"`
}

// Slice is the part of the crawl that the audit looked at.
type Slice struct {
	// SeedBlock is the block whose hash, with the keys of miner and validator
	// and the manifest, draws the slice.
	SeedBlock uint64 `json:"seed_block"`
	File      string `json:"file"`
	// From and To are the bytes drawn.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Range are the bytes compared, widened to borders, LedgerRows the rows that
	// stand for them, SHA256 the hash of the bytes; empty if they were not read.
	Range      string `json:"range,omitempty"`
	LedgerRows string `json:"ledger_rows,omitempty"`
	SHA256     string `json:"sha256,omitempty"`
}
