namespace KernelBypass.Pipeline.Stages;

/// <summary>
/// What stages share beyond their context (the flow tables, the MAC table, the port directory): one object of each type, put in
/// by
/// whoever composes the pipeline before the engine is built. Used at set-up only.
/// </summary>
public sealed class StageServices
{
    private readonly Dictionary<Type, object> _services = [];

    /// <summary>Adds the one object of type <typeparamref name="T"/>.</summary>
    /// <exception cref="ArgumentException">There is one already.</exception>
    public StageServices Add<T>(T service) where T : class
    {
        ArgumentNullException.ThrowIfNull(service);
        if (!_services.TryAdd(typeof(T), service))
            throw new ArgumentException($"The pipeline has a {typeof(T).Name} already.", nameof(service));
        return this;
    }

    /// <summary>The object of type <typeparamref name="T"/>, made and added now if there is none.</summary>
    public T GetOrAdd<T>(Func<T> make) where T : class
    {
        ArgumentNullException.ThrowIfNull(make);
        if (_services.TryGetValue(typeof(T), out var service)) return (T)service;
        var made = make();
        _services.Add(typeof(T), made);
        return made;
    }

    /// <summary>The object of type <typeparamref name="T"/>.</summary>
    /// <exception cref="InvalidOperationException">None was added: the message names it.</exception>
    public T Get<T>() where T : class =>
        _services.TryGetValue(typeof(T), out var service)
            ? (T)service
            : throw new InvalidOperationException(
                $"A stage needs a {typeof(T).Name}, and none was added to the pipeline's services before the engine was built.");
}
