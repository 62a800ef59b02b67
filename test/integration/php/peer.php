<?php
// What the tests ask of PHP: JSON lines on standard input, one answer each on standard output. Bytes are base64.
declare(strict_types=1);
error_reporting(0);
ini_set('serialize_precision', '-1');

class User { public $name = 'ada'; protected $roles = ['admin' => true]; private $secret = 1.0; public $friend = null; }
class Admin extends User { private $secret = 'also'; public ?User $boss = null; }
class Modern {
    public function __construct(public mixed $held = null) {}
    public function __serialize(): array { return ['held' => $this->held, 3 => 'three']; }
    public function __unserialize(array $data): void { $this->held = $data['held']; }
}
class OwnFormat implements Serializable {
    public $held = null;
    public function serialize() { return serialize($this->held); }
    public function unserialize($data) { $this->held = unserialize($data); }
}
enum Suit: string { case Hearts = 'H'; case Spades = 'S'; }

class InMemory implements SessionHandlerInterface {
    public function open(string $path, string $name): bool { return true; }
    public function close(): bool { return true; }
    public function read(string $id): string|false { return ''; }
    public function write(string $id, string $data): bool { return true; }
    public function destroy(string $id): bool { return true; }
    public function gc(int $max): int|false { return 0; }
}

final class RandomValues {
    private array $objects = [];
    public function __construct(private bool $plain, private bool $ownFormat) {}

    private function pick(array $options): mixed { return $options[mt_rand(0, count($options) - 1)]; }

    private function bytes(int $length): string {
        $text = '';
        for ($i = 0; $i < $length; $i++) $text .= chr(mt_rand(0, 255));
        return $text;
    }

    private function string(): string {
        switch (mt_rand(0, 5)) {
            case 0: return '';
            case 1: return $this->bytes(mt_rand(1, 12));
            case 2: return $this->pick(['é', "\u{1F600} smile", "\u{FEFF}bom", "a\0b", '__proto__', 'constructor', 'toString', '@php']);
            case 3: return $this->pick(['";i:1;', 'a|b', 's:3:"abc";', '}{', 'R:1;', '12', '-5', '007', '1e3', '9223372036854775808']);
            default: return substr(strrev((string) mt_rand()) . 'words and more', 0, mt_rand(1, 20));
        }
    }

    private function int(): int {
        return $this->pick([0, 1, -1, mt_rand(), -mt_rand(), PHP_INT_MAX, PHP_INT_MIN, 9007199254740991, 9007199254740992, -9007199254740993, mt_rand() << 31]);
    }

    private function float(): float {
        do {
            $float = match (mt_rand(0, 4)) {
                0 => $this->pick([0.1, -0.0, 1.5, INF, -INF, NAN, 1.0E+25, 5e-324, 1.7976931348623157e308, 1e-5, 0.0001, 1e17, 1.5e16, 1e15 + 0.5]),
                1 => unpack('d', $this->bytes(8))[1],
                2 => mt_rand() / mt_rand(1, 1000000),
                3 => (float) (mt_rand() . 'e' . mt_rand(-30, 30)),
                default => (float) mt_rand(),
            };
            // 3.0 is 3 to JavaScript; -0.0 and what is too large for an exact integer are floats there, too.
        } while ($this->plain && is_finite($float) && floor($float) === $float && abs($float) <= 9007199254740991.0 && !($float === 0.0 && fdiv(1, $float) < 0));
        return $float;
    }

    private function key(): int|string {
        return mt_rand(0, 2) === 0 ? $this->pick([0, 1, 2, 7, -3, 4294967295, PHP_INT_MAX, mt_rand(0, 50)]) : $this->string();
    }

    private function object(int $depth): object {
        if ($this->objects && mt_rand(0, 2) === 0) return $this->pick($this->objects);
        $object = match (mt_rand(0, $this->ownFormat ? 6 : 5)) {
            0 => new stdClass,
            1 => new User,
            2 => new Admin,
            3 => new Modern,
            4 => new ArrayObject([1, 'x' => 2.0]),
            5 => $this->pick([Suit::Hearts, Suit::Spades]),
            6 => new OwnFormat,
        };
        $this->objects[] = $object;
        if ($object instanceof stdClass) { $object->a = $this->value($depth - 1); $object->{'b c'} = $this->value($depth - 1); }
        if ($object instanceof User) $object->friend = $this->value($depth - 1);
        if ($object instanceof Modern || $object instanceof OwnFormat) $object->held = $this->value($depth - 1);
        return $object;
    }

    public function value(int $depth): mixed {
        $kind = mt_rand(0, $depth <= 0 ? 4 : ($this->plain ? 8 : 10));
        switch ($kind) {
            case 0: return $this->pick([null, true, false]);
            case 1: return $this->int();
            case 2: return $this->float();
            case 3: case 4: return $this->string();
            case 5: case 6:
                $list = [];
                for ($i = mt_rand(0, 4); $i > 0; $i--) $list[] = $this->value($depth - 1);
                return $this->plain ? $list : $this->alias($list);
            case 7: case 8:
                $map = [];
                for ($i = mt_rand(0, 5); $i > 0; $i--) $map[$this->key()] = $this->value($depth - 1);
                return $this->plain ? $map : $this->alias($map);
            default: return $this->object($depth);
        }
    }

    private function alias(array $array): array {
        if (count($array) > 1 && mt_rand(0, 2) === 0) {
            $keys = array_keys($array);
            $array[$keys[count($keys) - 1]] = &$array[$keys[0]];
            if (mt_rand(0, 3) === 0) $array['later'] = &$array[$keys[0]];
        }
        return $array;
    }

    public function session(): array {
        $session = [];
        for ($i = mt_rand(0, 5); $i > 0; $i--) {
            $name = $this->pick(['user', 'cart', 'flash', 'a b', 'é', "__proto__", 'constructor', '!x', 'n' . mt_rand(0, 9)]);
            $session[$name] = $this->value(3);
            if (!$this->plain && mt_rand(0, 2) === 0) {
                $names = array_keys($session);
                $session['ref' . mt_rand(0, 3)] = &$session[$this->pick($names)];
            }
        }
        return $session;
    }
}

/** Does something with `$_SESSION` under a serialize_handler. */
function within(string $handler, callable $action): mixed {
    ini_set('session.serialize_handler', $handler);
    session_start();
    $result = $action();
    session_abort();
    $_SESSION = [];
    return $result;
}

function encoded(string $handler, array $session): ?string {
    return within($handler, function () use ($session) {
        foreach ($session as $name => $_) $_SESSION[$name] = &$session[$name];
        $bytes = session_encode();
        return base64_encode($bytes === false ? '' : $bytes);
    });
}

function answer(array $question): mixed {
    switch ($question['ask']) {
        case 'values':
            mt_srand($question['seed']);
            $answers = [];
            for ($i = 0; $i < $question['count']; $i++) {
                $generator = new RandomValues($question['plain'], $question['ownFormat'] ?? false);
                $answers[] = base64_encode(serialize($generator->value(4)));
            }
            return $answers;
        case 'sessions':
            mt_srand($question['seed']);
            $answers = [];
            for ($i = 0; $i < $question['count']; $i++) {
                $session = (new RandomValues($question['plain'], $question['ownFormat'] ?? false))->session();
                $answers[] = encoded($question['handler'], $session);
            }
            return $answers;
        case 'again':
            return array_map(function (string $bytes) {
                $text = base64_decode($bytes);
                $value = unserialize($text);
                return $value === false && $text !== 'b:0;' ? null : base64_encode(serialize($value));
            }, $question['values']);
        case 'eval':
            return array_map(fn (string $code) => base64_encode(serialize(eval("return $code;"))), $question['codes']);
        case 'floats':
            return array_map(fn (string $bytes) => serialize(unpack('e', base64_decode($bytes))[1]), $question['floats']);
        case 'session again':
            return array_map(fn (array $change) => within($question['handler'], function () use ($change) {
                if (!session_decode(base64_decode($change['bytes']))) return null;
                foreach ($change['unset'] ?? [] as $name) unset($_SESSION[$name]);
                foreach ($change['set'] ?? [] as $name => $value) { unset($_SESSION[$name]); $_SESSION[$name] = $value; }
                $variables = [];
                $first = [];
                foreach (array_keys($_SESSION) as $name) {
                    $reference = ReflectionReference::fromArrayElement($_SESSION, $name)?->getId();
                    if ($reference !== null) $first[$reference] ??= $name;
                    $variables[] = array_map(base64_encode(...), [
                        (string) $name,
                        serialize([$_SESSION[$name]]),
                        $reference === null ? '' : (string) $first[$reference],
                    ]);
                }
                return ['bytes' => base64_encode((string) session_encode()), 'variables' => $variables];
            }), $question['sessions']);
    }
    throw new Error('unknown question');
}

ob_start();
session_set_save_handler(new InMemory);
foreach (['use_cookies' => '0', 'cache_limiter' => '', 'use_strict_mode' => '0'] as $name => $value) ini_set("session.$name", $value);
session_id('peer');
while (($line = fgets(STDIN)) !== false) {
    fwrite(STDOUT, json_encode(answer(json_decode($line, true)), JSON_THROW_ON_ERROR) . "\n");
}
