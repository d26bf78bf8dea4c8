package books

import "finest/internal/contract"

// After is what an entry leaves of its task, apart from its state.
type After struct {
	// Attempts counts leases that led to nothing.
	Attempts int `json:"attempts"`
	// Due is the block after which the state ends by itself; 0 if it does not.
	Due uint64 `json:"due"`
	// Evidence says why the task is quarantined.
	Evidence string `json:"evidence,omitempty"`
	// Strikes are those of the lease's holders, if the entry changed them.
	Strikes *Strikes `json:"strikes,omitempty"`
}

// Strikes are the strikes of the hotkey and the coldkey of a lease.
type Strikes struct {
	Hotkey  int `json:"hotkey"`
	Coldkey int `json:"coldkey"`
}

// Details of entries, by their operation. Heads of the log are public, and who
// fetches them all has the hash of every entry: one about an open lease must hold
// something that cannot be guessed, or the hash would confirm guesses at who
// holds it, and until when.
type (
	// Import is the detail of OpImport. The ids of tasks follow from crawl and
	// number.
	Import struct {
		Crawl           string `json:"crawl"`
		CatalogueSHA256 string `json:"catalogue_sha256"`
		FilesPerTask    int    `json:"files_per_task"`
		Files           int    `json:"files"`
		Tasks           int    `json:"tasks"`
		// FilesSHA256 is the hash of AppendFiles of all tasks in their order.
		FilesSHA256 string `json:"files_sha256"`
	}
	// Survey is the detail of OpSurvey.
	Survey struct {
		After
		// Files are the files of the task with their sizes.
		Files []contract.InputFile `json:"files"`
	}
	// Lease is the detail of OpLease; the actor holds the lease.
	Lease struct {
		After
		Coldkey string `json:"coldkey"`
		Slot    int    `json:"slot"`
		// Deadline is the last block of the lease.
		Deadline uint64 `json:"deadline"`
		// Receipt is the SHA-256 of the receipt's canonical JSON.
		Receipt string `json:"receipt"`
	}
	// Renewal is the detail of OpRenew.
	Renewal struct {
		// UUID is that of the request, so that only its signer knows all of the
		// entry. Earlier versions wrote none.
		UUID string `json:"uuid,omitempty"`
	}
	// End is the detail of OpRelease, OpExpire and OpReissue.
	End struct {
		After
		// Reason is why the lease ended, or led to nothing.
		Reason string `json:"reason"`
		// Missing is the file that could not be read, as the release says.
		Missing string `json:"missing,omitempty"`
	}
	// Submit is the detail of OpSubmit.
	Submit struct {
		After
		Claim    string `json:"claim"`
		Manifest string `json:"manifest"`
		// Block is that of the claim.
		Block uint64 `json:"block"`
		Bytes int64  `json:"bytes"`
	}
	// Verdict is the detail of OpVerdict.
	Verdict struct {
		contract.Verdict
		WeightsBlock uint64 `json:"weights_block"`
		Statement    string `json:"statement"`
		// Stake is in rao, a decimal.
		Stake string `json:"stake"`
	}
	// Judge is the detail of OpJudge: the stakes, in rao, behind each outcome.
	Judge struct {
		After
		Accepted string `json:"accepted"`
		Rejected string `json:"rejected"`
	}
	// Excuse is the detail of OpExcuse.
	Excuse struct {
		After
		// Lease is the generation of the release that is decided about.
		Lease int64 `json:"lease"`
		// Confirmed says that it is excused.
		Confirmed bool   `json:"confirmed"`
		Found     string `json:"found"`
		// Receipt is that of the task's newest lease if it is live, as in Lease: who
		// knows the signature in it knows its deadline, which is in After, anyway.
		// Earlier versions wrote none.
		Receipt string `json:"receipt,omitempty"`
	}
	// Proof is the detail of OpProof.
	Proof struct {
		SHA256 string `json:"sha256"`
	}
	// Requeue is the detail of OpRequeue.
	Requeue struct {
		After
		// Files are those of the task with the sizes that it forgets; none if it
		// knew none.
		Files []contract.InputFile `json:"files,omitempty"`
	}
	// Holder is the detail of OpBan and OpClear.
	Holder struct {
		// Kind is "hotkey" or "coldkey".
		Kind    string `json:"kind"`
		Address string `json:"address"`
		Reason  string `json:"reason,omitempty"`
	}
	// Retire is the detail of OpRetire.
	Retire struct {
		Crawl string `json:"crawl"`
	}
)

// Actors that are not hotkeys.
const (
	ActorServer   = "server"
	ActorOperator = "operator"
)
