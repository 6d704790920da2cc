/* Commit, promotion and fencing: who may append a step to the ledger, and who then still has its state.
 *
 * Two chunks, two nodes: node n is the primary of chunk n and the buddy of the other, and computes unit n of each step
 * (both units when the other node is gone). Two coordinators: generation 1, in the middle of its work when the model
 * begins, and generation 2, which starts when the first has crashed or when the run's lock is lost (a shared file system
 * may lose it), so that both live at once.
 *
 * Links deliver in order, and late without bound: a partition that heals is a late message, one that does not is a node
 * taken for dead though it lives, or a coordinator whose successor starts while it lives. A process that is stopped
 * (SIGSTOP) is one that is not scheduled. What links do to lose nothing is the simulator's to check, not this model's.
 *
 * check.sh runs it, and with every planted mistake (-DNAME below), which spin must refute.
 */
#ifndef STEPS
#define STEPS 3
#endif
#define FAILURES 1 /* nodes that crash or are taken for dead */

mtype = { MAP, COMMIT };

/* The run's folder. */
byte generation = 1;        /* the generation file */
byte ledger;                /* records on disk */
byte appended[STEPS];       /* how often each step was appended */
bool locked = true;         /* somebody holds the run's lock */

/* Nodes. The state of chunk c at node n is known by its version, for gradients are a function of weights and step. */
#define CELL(n, c) ((n) * 2 + (c))
byte version[4];
bool reduced[4];            /* the reduced gradient of that version is here */
byte sums[4];               /* units in the sum of its primary, a bit each */
byte sent[2];               /* primary: chunks that are on their way to the buddy, or reported, a bit each */
bool acknowledged[2];       /* by chunk: the buddy's word is on its way to the primary */
bool crashed[2];
byte map[2] = 17;           /* generation * 16 + revision */
byte view[2] = 3;           /* who is in that map, a bit each; 0: waits for the map of a new generation */

/* What the environment did. */
byte failures;
bool coordinatorCrashed;
bool up[3];
bool stuck;                 /* a node finds nobody living who has the version that the map is at */
byte members = 3;           /* of the map of the newest coordinator */

chan orders0 = [4] of { mtype, byte, byte, byte };  /* coordinators to node 0: kind, map, step, members */
chan orders1 = [4] of { mtype, byte, byte, byte };
chan ready1 = [4] of { byte, byte, byte };          /* nodes to coordinator 1: map, step, chunk */
chan ready2 = [4] of { byte, byte, byte };
byte promised;              /* nodes that have told coordinator 2 what they hold, a bit each */

#define HAS(mask, n) (((mask) >> (n)) & 1)
#define LIVES(n) (!crashed[n] && HAS(members, n))
#define HOLDS(c, v) ((LIVES(0) && version[CELL(0, c)] == (v)) || (LIVES(1) && version[CELL(1, c)] == (v)))
#define WHOLE(v) (HOLDS(0, v) && HOLDS(1, v))

/* Nothing committed is lost with one failure, of a node or a coordinator: the living hold every chunk at one version, and
 * at most the newest step is to be played again; nobody goes back to a checkpoint. No state runs ahead of the ledger. */
#define ONE (failures == 0 || !up[2] && !coordinatorCrashed)
#define KEPT (!ONE || WHOLE(ledger) || (ledger > 0 && WHOLE(ledger - 1)))
#define BEHIND (version[0] <= ledger && version[1] <= ledger && version[2] <= ledger && version[3] <= ledger)

inline tell(n, kind, m, s, x) {
    if
    :: crashed[n] -> skip
    :: !crashed[n] && n == 0 -> orders0!kind(m, s, x)
    :: !crashed[n] && n == 1 -> orders1!kind(m, s, x)
    fi
}

inline report(m, s, x) {
    if
    :: (m) < 32 && up[1] -> ready1!m, s, x
    :: (m) >= 32 && up[2] -> ready2!m, s, x
    :: else
    fi
}

inline tellAll(kind) {
    n = 0;
    do
    :: atomic { n < 2 && HAS(mask, n) -> tell(n, kind, g * 16 + revision, step, mask); n++ }
    :: atomic { n < 2 && !HAS(mask, n) -> n++ }
    :: atomic { n == 2 -> n = 0; break }
    :: atomic { n == 1 && g == 1 && !coordinatorCrashed -> die() }
    od
}

inline die() {
    coordinatorCrashed = true; up[1] = false; locked = false; goto over
}

proctype Coordinator(byte g; chan inbox) {
    byte step;              /* the version that training is at */
    byte count;             /* records that it knows in the ledger */
    byte mask = 3;          /* members */
    byte revision = 1;      /* of the map */
    byte ready;             /* chunks, a bit each */
    byte m, s, x, n;

    if
    :: g == 1
    :: atomic { g == 2 && (!locked || up[1]) ->
        locked = true; generation = 2; up[2] = true; members = 3; count = ledger }
        /* What do the living hold? The newest version serves. */
        atomic { (promised | (crashed[0] -> 1 : 0) | (crashed[1] -> 2 : 0)) == 3 && promised != 0 ->
            mask = (crashed[0] -> 2 : (crashed[1] -> 1 : 3));
            members = mask;
            step = (HAS(mask, 0) && version[0] > version[2] || mask == 1 -> version[0] : version[2]);
            assert(step <= count) }
        tellAll(MAP)
    fi;

    do
    :: atomic { step == STEPS -> break }
    :: atomic { step < STEPS && nempty(inbox) ->
        inbox?m, s, x;
        if
#ifdef OLD_REVISION_COUNTED
        :: s == step -> ready = ready | (1 << x)
#else
        :: s == step && m == g * 16 + revision -> ready = ready | (1 << x)
#endif
        :: else
        fi;
        m = 0; s = 0; x = 0 }
    /* A member is dead, or taken for dead: its chunks go to the buddy, within the same era. */
    :: atomic { step < STEPS && ready != 3 && mask == 3 && (crashed[0] || crashed[1] || failures < FAILURES) ->
        if
        :: crashed[0] -> mask = 2
        :: crashed[1] -> mask = 1
        :: !crashed[0] && !crashed[1] -> failures++; mask = 2
        :: !crashed[0] && !crashed[1] -> failures++; mask = 1
        fi;
        if
        :: up[2] && g == 1 -> skip
        :: else -> members = mask
        fi;
        revision++; ready = 0 }
#ifndef DEAD_BUDDY_NOT_DROPPED
        tellAll(MAP)
#endif
    /* Coordinator and node failed together, and with the node went the newest version: back to the checkpoint of step 0. */
    :: atomic { stuck && g == 2 && mask != 3 ->
        stuck = false; step = 0; revision++; ready = 0 }
        tellAll(MAP)
    :: atomic { step < STEPS && g == 1 && !coordinatorCrashed -> die() }
    :: ready == 3 ->
#ifdef COMMIT_BEFORE_LEDGER
        tellAll(COMMIT);
#endif
#ifdef CHECK_THEN_APPEND
        if
        :: atomic { generation != g -> up[g] = false; goto over }
        :: generation == g || step < count
        fi;
#endif
        atomic {
            if
            :: step < count -> skip                 /* played again: nothing is appended */
#ifndef CHECK_THEN_APPEND
#ifndef GENERATION_UNCHECKED
            :: step == count && generation != g ->  /* fenced: ends with 70 */
                up[g] = false; goto over
#endif
            :: step == count && generation == g ->
#else
            :: step == count ->
#endif
                appended[step]++;
                assert(appended[step] == 1);        /* one commit per step */
                ledger++; count++
#ifdef GENERATION_UNCHECKED
            :: step == count && generation != g ->
                assert(false)                       /* a stale generation never commits */
#endif
            fi;
            ready = 0
        }
#ifndef COMMIT_BEFORE_LEDGER
        if
        :: atomic { g == 1 && !coordinatorCrashed -> die() }
        :: true
        fi;
        tellAll(COMMIT);
#endif
        step++
    od;
over:
    atomic {
        up[g] = false;
        if
        :: generation == g -> locked = false
        :: else
        fi;
        do
        :: inbox?m, s, x
        :: empty(inbox) -> break
        od;
        m = 0; s = 0; x = 0; n = 0; ready = 0; mask = 0; revision = 0; step = 0; count = 0
    }
}

/* Where chunk c is summed, as node me sees it. */
#define PRIMARY(c) (HAS(view[me], c) -> (c) : 1 - (c))
#define WORKS (view[me] != 0 && version[CELL(me, 0)] < STEPS)
#define AGREED (!crashed[other] && map[other] == map[me] && view[me] == 3 && view[other] == 3)
#define LEVEL(c) (version[CELL(other, c)] == version[CELL(me, c)])

inline ready(c) {
    sent[me] = sent[me] | (1 << (c));
    reduced[CELL(me, c)] = true;
    report(map[me], version[CELL(me, c)], c)
}

/* A step begins here: what this node itself computes goes into the sums that it owns. */
inline begin() {
    sums[CELL(me, me)] = (view[me] == 3 -> sums[CELL(me, me)] | (1 << me) : 3);
    sums[CELL(me, other)] = (view[me] == 3 -> 0 : 3);
    pushed = false;
    sent[me] = 0;
    acknowledged[me] = false
}

/* The state of chunk c, as a map asks for it. */
inline adopt(c) {
    if
    :: version[CELL(me, c)] == s
    :: version[CELL(me, c)] != s && (HOLDS(c, s) || s == 0) -> version[CELL(me, c)] = s     /* or from the checkpoint */
    :: version[CELL(me, c)] != s && !HOLDS(c, s) && s != 0 ->
        assert(failures == FAILURES);   /* as long as no node failed, somebody has what a map asks for */
        stuck = true
    fi
}

inline apply(c) {
    /* Replicas agree: whoever is in the map has what the commit applies. */
    assert(!HAS(members, me) || reduced[CELL(me, c)] && version[CELL(me, c)] == s);
    if
    :: reduced[CELL(me, c)] && version[CELL(me, c)] == s -> version[CELL(me, c)] = version[CELL(me, c)] + 1
    :: else
    fi;
    reduced[CELL(me, c)] = false;
    sums[CELL(me, c)] = 0
}

proctype Node(byte me; chan orders) {
    byte other = 1 - me;
    byte m, s, x;
    bool pushed;            /* my root of the other's chunk is there; it is kept until the step commits */
    mtype kind;

    atomic { begin() }
end:
    do
    :: atomic { failures < FAILURES && ledger < STEPS -> failures++; crashed[me] = true; goto over }

    /* Another generation: from now on no older one is obeyed. */
    :: atomic { up[2] && !HAS(promised, me) && map[me] < 32 ->
        promised = promised | (1 << me); view[me] = 0;
#ifndef OLD_GENERATION_OBEYED
        map[me] = 32
#endif
        }

    :: atomic { orders?kind, m, s, x ->
        if
        :: kind == MAP && m / 16 >= map[me] / 16 ->
            adopt(0);
            adopt(1);
            if
            :: m == 33 || s == 0 -> reduced[CELL(me, 0)] = false; reduced[CELL(me, 1)] = false; sums[CELL(me, me)] = 0
            :: else
            fi;
            view[me] = (stuck -> 0 : x);
            map[me] = m;
#ifdef ROOTS_RELEASED_EARLY
            if
            :: pushed && x != 3 ->      /* acknowledged by who is dead now, and gone for ever */
                begin();
                sums[CELL(me, other)] = 1 << other
            :: else -> begin()
            fi
#else
            begin()
#endif
        :: kind == COMMIT && m / 16 >= map[me] / 16 ->
            apply(0);
            apply(1);
            if
            :: version[CELL(me, 0)] < STEPS && view[me] != 0 -> begin()
            :: else
            fi
        :: else
        fi;
        m = 0; s = 0; x = 0; kind = 0 }

    /* A root reaches the primary of the other chunk. */
    :: atomic { !pushed && WORKS && AGREED && LEVEL(other) ->
        sums[CELL(other, other)] = sums[CELL(other, other)] | (1 << me); pushed = true }

    /* The sum is whole: to the buddy, who must have it before anybody is told. Without a buddy it is ready. */
    :: atomic { WORKS && view[me] == 3 && sums[CELL(me, me)] == 3 && !HAS(sent[me], me) ->
#ifdef READY_BEFORE_ACK
        ready(me);
#endif
        sent[me] = sent[me] | (1 << me); reduced[CELL(me, me)] = true }
    :: atomic { WORKS && view[me] != 3 && sums[CELL(me, 0)] == 3 && !HAS(sent[me], 0) -> ready(0) }
    :: atomic { WORKS && view[me] != 3 && sums[CELL(me, 1)] == 3 && !HAS(sent[me], 1) -> ready(1) }

    /* The reduced gradient reaches the buddy, whose state must be at that version. */
    :: atomic { WORKS && AGREED && LEVEL(other) && HAS(sent[other], other) && !reduced[CELL(me, other)] ->
        reduced[CELL(me, other)] = true; acknowledged[other] = true }
    :: atomic { acknowledged[me] ->
        acknowledged[me] = false;
#ifndef READY_BEFORE_ACK
        report(map[me], version[CELL(me, me)], me)
#endif
        }
    od;
over:
    atomic {
        view[me] = 0; sent[me] = 0; acknowledged[me] = false; pushed = false;
        do
        :: orders?kind, m, s, x
        :: empty(orders) -> break
        od;
        m = 0; s = 0; x = 0; kind = 0
    }
}

init {
    atomic {
        up[1] = true;
        run Coordinator(1, ready1);
        run Coordinator(2, ready2);
        run Node(0, orders0);
        run Node(1, orders1)
    }
}

ltl kept { [] (KEPT && BEHIND) }
ltl commits { <> (ledger == STEPS) }
