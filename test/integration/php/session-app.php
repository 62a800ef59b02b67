<?php
/*
 * A small PHP application with its sessions in DynamoDB, in the items of the AWS SDK's session handler: key
 * "<session name>_<ID>", the data as PHP serialises a session, "expires" in seconds, and the existence of "lock" as its
 * lock. It speaks to an engine for tests, which does not check signatures.
 */
declare(strict_types=1);

final class Basket
{
    public array $items = [];
    protected ?string $coupon = null;
    private float $discount = 10.0;
}

final class DynamoDBHandler implements SessionHandlerInterface
{
    private string $name = '';
    private string $readId = '';
    private string $readData = '';
    private bool $isWritten = false;

    public function open(string $path, string $name): bool
    {
        $this->name = $name;
        return true;
    }

    public function read(string $id): string|false
    {
        $item = getenv('APP_LOCKING') === '1' ? $this->lockAndRead($id) : $this->ask('GetItem', [
            'Key' => $this->keyOf($id),
            'ConsistentRead' => true,
        ])['Item'] ?? null;
        $data = $item['data'] ?? null;
        if ($data === null || (int) $item['expires']['N'] <= time()) return '';
        $bytes = isset($data['B']) ? base64_decode($data['B']) : $data['S'];
        $this->readId = $id;
        $this->readData = getenv('APP_BASE64') === '1' ? base64_decode($bytes) : $bytes;
        return $this->readData;
    }

    public function write(string $id, string $data): bool
    {
        $this->isWritten = true;
        $changed = $id !== $this->readId || $data !== $this->readData;
        $stored = getenv('APP_BASE64') === '1' ? base64_encode($data) : $data;
        $value = getenv('APP_TYPE') === 'binary' ? ['B' => base64_encode($stored)] : ['S' => $stored];
        $this->ask('UpdateItem', [
            'Key' => $this->keyOf($id),
            'AttributeUpdates' => [
                'expires' => ['Action' => 'PUT', 'Value' => ['N' => (string) (time() + 1440)]],
                'lock' => ['Action' => 'DELETE'],
            ] + ($changed ? ['data' => $data === '' ? ['Action' => 'DELETE'] : ['Action' => 'PUT', 'Value' => $value]] : []),
        ]);
        return true;
    }

    public function close(): bool
    {
        return true;
    }

    public function destroy(string $id): bool
    {
        $this->ask('DeleteItem', ['Key' => $this->keyOf($id)]);
        return true;
    }

    public function gc(int $lifetime): int|false
    {
        return 0;
    }

    private function lockAndRead(string $id): ?array
    {
        $giveUpAt = microtime(true) + 10;
        while (true) {
            $answer = $this->ask('UpdateItem', [
                'Key' => $this->keyOf($id),
                'Expected' => ['lock' => ['Exists' => false]],
                'AttributeUpdates' => ['lock' => ['Action' => 'PUT', 'Value' => ['N' => '1']]],
                'ReturnValues' => 'ALL_NEW',
            ]);
            if (isset($answer['Attributes'])) return $answer['Attributes'];
            if (microtime(true) > $giveUpAt) throw new RuntimeException('the lock was not to be had');
            usleep(random_int(10000, 50000));
        }
    }

    private function keyOf(string $id): array
    {
        return ['id' => ['S' => trim($this->name . '_' . $id, '_')]];
    }

    private function ask(string $operation, array $input): array
    {
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'ignore_errors' => true,
            'header' => [
                'content-type: application/x-amz-json-1.0',
                'x-amz-target: DynamoDB_20120810.' . $operation,
                'x-amz-date: 20310506T070809Z',
                'authorization: AWS4-HMAC-SHA256 Credential=local/20310506/eu-west-1/dynamodb/aws4_request, '
                    . 'SignedHeaders=host;x-amz-date;x-amz-target, Signature=' . str_repeat('0', 64),
            ],
            'content' => json_encode(['TableName' => getenv('APP_TABLE')] + $input, JSON_THROW_ON_ERROR),
        ]]);
        $answer = json_decode((string) file_get_contents((string) getenv('APP_ENDPOINT'), false, $context), true);
        $isRefused = str_contains($answer['__type'] ?? '', 'ConditionalCheckFailed');
        if (isset($answer['__type']) && !$isRefused) throw new RuntimeException($answer['__type']);
        return $answer ?? [];
    }
}

session_set_save_handler(new DynamoDBHandler(), true);
session_name('PHPSESSID');
// Without effect: PHP asks only a handler that has validateId(), and the handlers for DynamoDB have none.
ini_set('session.use_strict_mode', '1');
ini_set('session.serialize_handler', getenv('APP_SERIALIZER') ?: 'php');
session_start();
header('content-type: application/json');
switch (parse_url((string) $_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/visit':
        $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        break;
    case '/fill':
        $_SESSION['basket'] = new Basket();
        $_SESSION['basket']->items[] = "caf\u{e9}";
        $_SESSION['alias'] = &$_SESSION['basket']->items;
        $_SESSION['price'] = 10.0;
        $_SESSION['big'] = PHP_INT_MAX;
        break;
    case '/end':
        session_destroy();
        break;
}
echo json_encode(['session' => $_SESSION, 'basket' => serialize($_SESSION['basket'] ?? null), 'price' => serialize($_SESSION['price'] ?? null)]);
