using System.Collections.Frozen;

namespace Gateway.Proxy;

/// <summary>
/// Decides what a request is, on its raw target: literally, with case, endpoint by endpoint and method by method, from the
/// table in <see cref="Endpoints"/>. What is not in the table does not exist, whatever a later homeserver may add.
/// Allocates nothing.
/// </summary>
internal static class AccessPolicy
{
    private static readonly string[] Methods = ["GET", "PUT", "POST", "DELETE"];

    private static readonly Node Root = Plant();

    public static Passage Of(string method, ReadOnlySpan<char> target)
    {
        if (!TargetSyntax.IsPlain(target))
        {
            return Passage.None;
        }

        var query = target.IndexOf('?');
        var node = Root;
        var rest = query < 0 ? target[1..] : target[1..query];
        if (rest.IsEmpty)
        {
            return node.Of(method);
        }

        while (true)
        {
            var slash = rest.IndexOf('/');
            if (node.Next(slash < 0 ? rest : rest[..slash], isLast: slash < 0) is not { } next)
            {
                return Passage.None;
            }

            node = next;
            if (slash < 0 || node.TakesRest)
            {
                return node.Of(method);
            }

            rest = rest[(slash + 1)..];
        }
    }

    private static Node Plant()
    {
        var root = new Seed();
        foreach (var line in Endpoints.Table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line[0] == '#')
            {
                continue;
            }

            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var passage = words.Length > 2 ? Enum.Parse<Passage>(words[2]) : Passage.Forward;
            foreach (var prefix in Endpoints.Prefixes[words[1][..words[1].IndexOf('/', StringComparison.Ordinal)]])
            {
                var path = prefix + words[1][words[1].IndexOf('/', StringComparison.Ordinal)..];
                var seed = path[1..].Split('/').Where(_ => path != "/").Aggregate(root, (at, segment) => at.Children.TryGetValue(segment, out var known) ? known : at.Children[segment] = new Seed());
                foreach (var method in words[0].Split(','))
                {
                    seed.Passages.Add(method, passage);
                }
            }
        }

        return root.Grow();
    }

    /// <summary>A node while the tree is made.</summary>
    private sealed class Seed
    {
        public Dictionary<string, Seed> Children { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, Passage> Passages { get; } = new(StringComparer.Ordinal);

        public Node Grow() => new(
            Children.ToDictionary(child => child.Key, child => child.Value.Grow(), StringComparer.Ordinal),
            [.. Methods.Select(method => Passages.GetValueOrDefault(method))],
            takesRest: false);
    }

    /// <summary>
    /// One segment further. A literal goes before a parameter; <c>{}</c> is one segment that is not empty, <c>{?}</c> one that
    /// may be (the state key), <c>{*}</c> all the rest.
    /// </summary>
    private sealed class Node
    {
        private readonly FrozenDictionary<string, Node>.AlternateLookup<ReadOnlySpan<char>> _literals;
        private readonly Node? _parameter;
        private readonly Node? _empty;
        private readonly Node? _rest;
        private readonly Passage[] _passages;

        public Node(Dictionary<string, Node> children, Passage[] passages, bool takesRest)
        {
            _literals = children.Where(child => child.Key is not ("{}" or "{?}" or "{*}")).ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
            _empty = children.GetValueOrDefault("{?}");
            _parameter = children.GetValueOrDefault("{}") ?? _empty;
            _rest = children.GetValueOrDefault("{*}") is { } rest ? new Node([], rest._passages, takesRest: true) : null;
            _passages = passages;
            TakesRest = takesRest;
        }

        public bool TakesRest { get; }

        public Node? Next(ReadOnlySpan<char> segment, bool isLast) =>
            segment.IsEmpty ? (isLast ? _empty ?? _rest : null)
            : _literals.TryGetValue(segment, out var literal) ? literal
            : _parameter ?? _rest;

        public Passage Of(string method)
        {
            var index = Array.IndexOf(Methods, method);
            return index >= 0 && _passages[index] != Passage.None ? _passages[index]
                : Array.TrueForAll(_passages, passage => passage == Passage.None) ? Passage.None
                : method == "OPTIONS" ? Passage.Preflight
                : Passage.WrongMethod;
        }
    }
}
