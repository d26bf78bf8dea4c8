package runtime

import (
	"errors"
	"math"

	"finest/chain"
	"finest/chain/metadata"
)

// blockHashCount is for how many blocks the chain keeps hashes (System.BlockHashCount).
const blockHashCount = 2400

// initialize starts a block: number, parent, no events.
func (x *exec) initialize(number uint32, parent chain.Hash) {
	blockNumber.put(x.s, number)
	parentHash.put(x.s, parent)
	blockHash.put(x.s, parent, number-1)
	if number > blockHashCount+1 { // the hash of genesis stays
		blockHash.drop(x.s, number-blockHashCount-1)
	}
	x.s.Delete(eventsItem.key())
	eventCount.put(x.s, 0)
}

// ExistentialDeposit is the least balance of an account, in rao
// (Balances.ExistentialDeposit).
const ExistentialDeposit = 500

// Fee is what an extrinsic of this length costs, in rao, unless its call is free.
// Subtensor weighs calls too; here only bytes count.
func Fee(length int) uint64 { return baseFee + uint64(length) }

const baseFee = 100_000

// spendable is what an account can pay fees with.
func (a accountInfo) spendable() uint64 { return a.free - min(a.frozen, a.free) }

// withdraw takes a fee, which is burned. It has been checked that the account
// holds it.
func (x *exec) withdraw(who chain.PublicKey, amount uint64) {
	a := accountOf.get(x.s, who)
	a.free -= amount
	accountOf.put(x.s, a, who)
	totalIssuance.put(x.s, totalIssuance.get(x.s)-amount)
	x.deposit("Balances", "Withdraw", who, amount)
}

// credit adds to a balance, and makes the account if there is none.
func (x *exec) credit(who chain.PublicKey, amount uint64) {
	a := accountOf.get(x.s, who)
	fresh := a.providers == 0
	a.providers = max(a.providers, 1)
	a.free += amount
	accountOf.put(x.s, a, who)
	if fresh {
		x.deposit("System", "NewAccount", who)
		x.deposit("Balances", "Endowed", who, amount)
	}
}

// transfer moves a balance between accounts.
func (x *exec) transfer(from, to chain.PublicKey, amount uint64, keepAlive bool) error {
	a := accountOf.get(x.s, from)
	left := a.spendable()
	if amount > left {
		return errFunds
	}
	rest := a.free - amount
	if rest < ExistentialDeposit && keepAlive {
		return &dispatchError{"Token", "NotExpendable"}
	}
	b := accountOf.get(x.s, to)
	if b.free > math.MaxUint64-amount {
		return &dispatchError{"Arithmetic", "Overflow"}
	}
	if b.providers == 0 && amount < ExistentialDeposit {
		return &dispatchError{"Token", "BelowMinimum"}
	}
	if from != to {
		a.free = rest
		accountOf.put(x.s, a, from)
		x.credit(to, amount)
	}
	x.deposit("Balances", "Transfer", from, to, amount)
	return nil
}

func transferCall(keepAlive bool) func(*call) error {
	return func(c *call) error {
		if err := c.needSigner(); err != nil {
			return err
		}
		to, err := address(c.arg("dest"))
		if err != nil {
			return err
		}
		return c.transfer(c.signer, to, c.u64("value"), keepAlive)
	}
}

func transferAll(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	to, err := address(c.arg("dest"))
	if err != nil {
		return err
	}
	amount := accountOf.get(c.s, c.signer).spendable()
	if c.bool("keep_alive") {
		amount -= min(amount, ExistentialDeposit)
	}
	return c.transfer(c.signer, to, amount, c.bool("keep_alive"))
}

// address is the account that a MultiAddress names; the chain knows no indices.
func address(v any) (chain.PublicKey, error) {
	e := v.(metadata.Enum)
	if e.Name != "Id" {
		return chain.PublicKey{}, &dispatchError{"", "CannotLookup"}
	}
	return chain.PublicKey(e.Fields[0].Value.([]byte)), nil
}

func remark(*call) error { return nil }

func remarkWithEvent(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	c.deposit("System", "Remarked", c.signer, chain.Hash(metadata.SumBlake2_256(c.bytes("remark"))))
	return nil
}

// sudo dispatches a call as root. Its own outcome is success either way, as
// System shows it.
func sudo(c *call) error {
	key, ok := sudoKey.lookup(c.s)
	if c.root || !ok || key != c.signer {
		return &dispatchError{"Sudo", "RequireSudo"}
	}
	outer := c.arg("call").(metadata.Enum)
	inner := outer.Fields[0].Value.(metadata.Enum)
	err := c.dispatch(true, chain.PublicKey{}, metadata.Call{Pallet: outer.Name, Name: inner.Name, Args: inner.Fields})
	c.deposit("Sudo", "Sudid", c.result(err))
	return nil
}

// result is how a call within a call ended.
func (x *exec) result(err error) any {
	var e *dispatchError
	if errors.As(err, &e) {
		return metadata.NewEnum("Err", e.encode(x.meta))
	}
	return metadata.NewEnum("Ok", []any{})
}
